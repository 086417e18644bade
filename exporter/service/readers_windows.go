package service

import (
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// OtherReaders names who may read a file besides its owner, administrators, the
// system and the account.
func OtherReaders(path, account string) ([]string, error) {
	descriptor, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.DACL_SECURITY_INFORMATION|windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return nil, fmt.Errorf("who may read the file is not known: %w", err)
	}
	owner, _, err := descriptor.Owner()
	if err != nil {
		return nil, fmt.Errorf("whose file it is is not known: %w", err)
	}
	list, _, err := descriptor.DACL()
	if err != nil {
		return nil, fmt.Errorf("who may read the file is not known: %w", err)
	}
	if list == nil {
		return []string{"everybody"}, nil
	}
	var readers []string
	for i := range uint32(list.AceCount) {
		var entry *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &entry); err != nil {
			return nil, fmt.Errorf("who may read the file is not known: %w", err)
		}
		const read = windows.FILE_READ_DATA | windows.GENERIC_READ | windows.GENERIC_ALL
		if entry.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || entry.Mask&read == 0 ||
			entry.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0 {
			continue
		}
		sid := (*windows.SID)(unsafe.Pointer(&entry.SidStart))
		if sid.Equals(owner) || sid.IsWellKnown(windows.WinBuiltinAdministratorsSid) || sid.IsWellKnown(windows.WinLocalSystemSid) {
			continue
		}
		if name := nameOf(sid); !strings.EqualFold(name, account) && !slices.Contains(readers, name) {
			readers = append(readers, name)
		}
	}
	return readers, nil
}

func nameOf(sid *windows.SID) string {
	account, domain, _, err := sid.LookupAccount("")
	switch {
	case err != nil:
		return sid.String()
	case domain == "":
		return account
	default:
		return domain + `\` + account
	}
}
