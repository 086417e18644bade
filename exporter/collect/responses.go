package collect

import (
	"slices"
	"strconv"

	"icws_exporter/probe/icws"
)

// exactCodes are the HTTP codes that icws_responses_total keeps; others fold to
// their class.
var exactCodes = []int{
	200, 201, 202, 204, 301, 302, 307, 308, 400, 401, 403, 404,
	405, 407, 408, 409, 410, 413, 429, 500, 501, 502, 503, 504,
}

// codes are the values of the label code: the exact codes, then the classes.
var codes = func() []string {
	var values []string
	for _, code := range exactCodes {
		values = append(values, strconv.Itoa(code))
	}
	return append(values, "1xx", "2xx", "3xx", "4xx", "5xx")
}()

// numCodes is the number of values of the label code.
const numCodes = 24 + 5

// codeIndex returns the place of an HTTP code in codes.
func codeIndex(code int) int {
	if i, ok := slices.BinarySearch(exactCodes, code); ok {
		return i
	}
	class := min(max(code/100, 1), 5)
	return len(exactCodes) + class - 1
}

// successCode is what an operation answers when all is well (protocol.md, 1.2,
// 1.7, 2, 3.1, 4 and 6). One that few configurations ask for has none here, so that
// the others have no series of it.
var successCode = [icws.NumOperations]int{
	icws.OpConnect:          201,
	icws.OpDisconnect:       200,
	icws.OpVersion:          200,
	icws.OpSubscribe:        200,
	icws.OpUnsubscribe:      204,
	icws.OpPoll:             200,
	icws.OpStream:           200,
	icws.OpList:             200,
	icws.OpSwitchoverStatus: 200,
}

// expectedResponses marks the combinations of operation and code that are
// exposed at 0 before they happen: success, and what the alerts ask for, because
// increase() does not see a counter's first event when its series begins with it.
// 429, 502 and 504 are a proxy's.
var expectedResponses = func() (expected [icws.NumOperations * numCodes]bool) {
	for op, success := range successCode {
		if success == 0 {
			continue
		}
		expected[op*numCodes+codeIndex(success)] = true
		for _, code := range []int{401, 410, 429, 500, 502, 503, 504} {
			expected[op*numCodes+codeIndex(code)] = isWatched[op]
		}
	}
	return expected
}()

// errorIDs are the values of the label error_id: the known errorIds of an ICWS
// server (protocol.md, 5.2), and what stands for every other one.
var errorIDs = []string{
	"error.request.connection.authenticationFailure",
	"error.request.accessDenied.cookie.invalid",
	"error.request.accessDenied.httpMethodNotAllowed",
	"error.request.unsupported",
	"error.request.invalidRepresentation.invalidProperty",
	"error.server.notAcceptingConnections",
	"error.server.unavailable",
	"-2147221496",
	"other",
}

// numErrorIDs is the number of values of the label error_id.
const numErrorIDs = 9

// errorIDIndex returns the place of an errorId in errorIDs.
func errorIDIndex(id string) int {
	if i := slices.Index(errorIDs, id); i >= 0 {
		return i
	}
	return numErrorIDs - 1
}
