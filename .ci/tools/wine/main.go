// Command wine writes a bcryptprimitives.dll for wine 8, which has none:
// its only function, ProcessPrng, is forwarded to RtlGenRandom of advapi32.dll, which
// wine has. A program that was made with Go 1.22 or newer does not start without it.
package main

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"os"
)

const (
	section   = 0x1000 // where the only section is in memory
	alignment = 0x200  // of the file
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: wine FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], library(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// library is a PE file with headers and one section, which has the exports.
func library() []byte {
	exports := exportDirectory()
	var b bytes.Buffer
	put := func(parts ...any) {
		for _, part := range parts {
			_ = binary.Write(&b, binary.LittleEndian, part) // a buffer takes everything
		}
	}
	dos := make([]byte, 64)
	copy(dos, "MZ")
	dos[60] = 64 // where the next header is
	optional := pe.OptionalHeader64{
		Magic: 0x20b, ImageBase: 0x180000000, SectionAlignment: section, FileAlignment: alignment,
		MajorOperatingSystemVersion: 6, MajorSubsystemVersion: 6, Subsystem: pe.IMAGE_SUBSYSTEM_WINDOWS_CUI,
		SizeOfInitializedData: alignment, SizeOfImage: 2 * section, SizeOfHeaders: alignment, NumberOfRvaAndSizes: 16,
		SizeOfStackReserve: 1 << 20, SizeOfStackCommit: 1 << 12, SizeOfHeapReserve: 1 << 20, SizeOfHeapCommit: 1 << 12,
		DllCharacteristics: pe.IMAGE_DLLCHARACTERISTICS_NX_COMPAT,
	}
	optional.DataDirectory[pe.IMAGE_DIRECTORY_ENTRY_EXPORT] = pe.DataDirectory{VirtualAddress: section, Size: uint32(len(exports))}
	put(dos, []byte("PE\x00\x00"), pe.FileHeader{
		Machine: pe.IMAGE_FILE_MACHINE_AMD64, NumberOfSections: 1, SizeOfOptionalHeader: uint16(binary.Size(optional)),
		Characteristics: pe.IMAGE_FILE_EXECUTABLE_IMAGE | pe.IMAGE_FILE_LARGE_ADDRESS_AWARE | pe.IMAGE_FILE_DLL,
	}, optional, pe.SectionHeader32{
		Name: [8]uint8{'.', 'e', 'd', 'a', 't', 'a'}, VirtualSize: uint32(len(exports)), VirtualAddress: section,
		SizeOfRawData: alignment, PointerToRawData: alignment, Characteristics: pe.IMAGE_SCN_CNT_INITIALIZED_DATA | pe.IMAGE_SCN_MEM_READ,
	})
	b.Write(make([]byte, alignment-b.Len()))
	b.Write(exports)
	b.Write(make([]byte, 2*alignment-b.Len()))
	return b.Bytes()
}

// exportDirectory is the table of the exported functions, at the begin of the section.
// An address within the table is the name of a function elsewhere.
func exportDirectory() []byte {
	const (
		addresses = 40
		names     = addresses + 4
		ordinals  = names + 4
		texts     = ordinals + 4
		library   = "bcryptprimitives.dll\x00"
		name      = "ProcessPrng\x00"
		elsewhere = "ADVAPI32.SystemFunction036\x00" // RtlGenRandom
	)
	at := func(offset int) uint32 { return uint32(section + offset) }
	var b bytes.Buffer
	for _, word := range []uint32{
		0, 0, 0, at(texts), 1, 1, 1, at(addresses), at(names), at(ordinals),
		at(texts + len(library) + len(name)), // of the function: where its name elsewhere is
		at(texts + len(library)),             // of its name
		0,                                    // the number of the function, and two bytes of nothing
	} {
		_ = binary.Write(&b, binary.LittleEndian, word) // a buffer takes everything
	}
	b.WriteString(library + name + elsewhere)
	return b.Bytes()
}
