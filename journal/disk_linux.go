package journal

import "syscall"

// The magic numbers of file systems that live in memory (statfs(2)).
const (
	tmpfsMagic = 0x01021994
	ramfsMagic = 0x858458f6
)

// onTmpfs reports whether dir lies in memory.
func onTmpfs(dir string) (bool, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return false, err
	}
	kind := uint32(st.Type)
	return kind == tmpfsMagic || kind == ramfsMagic, nil
}
