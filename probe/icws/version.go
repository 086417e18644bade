package icws

import "strings"

// Version is what the server says it is (protocol.md, 6). A Version that was not
// asked for or not answered is zero.
type Version struct {
	MajorVersion, MinorVersion, SU, Build string
	ProductID                             string
	// ProductRelease and ProductPatch are the display strings, such as "2018 R4".
	ProductRelease, ProductPatch string
}

// Release returns the release as people know it, such as "2018 R4 Patch 5", or
// the four numbers when the server has no display string, or "".
func (v Version) Release() string {
	if v.ProductRelease != "" {
		return strings.TrimSpace(v.ProductRelease + " " + v.ProductPatch)
	}
	var numbers []string
	for _, n := range []string{v.MajorVersion, v.MinorVersion, v.SU, v.Build} {
		if n != "" {
			numbers = append(numbers, n)
		}
	}
	return strings.Join(numbers, ".")
}

// SwitchoverStatus is the state of the switchover pair that the server belongs to
// (protocol.md, 1.7; feature connection 11).
type SwitchoverStatus struct {
	// Active says that a switchover is under way.
	Active                  bool
	PrimaryHost, BackupHost string
	// BackupState is 0 active, 1 upgradeLower, 2 upgradeHigher,
	// 3 upgradeHigherManual, or another number of a newer server; -1 when the
	// server did not say, or names no backup.
	BackupState    int
	SubsystemsDown []string
}
