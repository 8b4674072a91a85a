package screens

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"

	"github.com/gin-gonic/gin"
)

// assetRoot is where scripts and styles are.
const assetRoot = Root + "/static"

// release names what is served: its files may be kept for ever, as another
// release has other addresses.
var release = digest(static)

func digest(files fs.FS) string {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, path)
		sum.Write([]byte(path))
		sum.Write(data)
		return err
	})
	if err != nil {
		panic(err) // they are embedded
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

// asset serves a script or a style.
func (s *Screens) asset(c *gin.Context) {
	if c.Query("v") == release {
		c.Header("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		c.Header("Cache-Control", "no-cache")
	}
	if _, err := fs.Stat(static, "static"+c.Param("file")); err != nil {
		c.AbortWithStatus(http.StatusNotFound)
		return
	}
	s.static.ServeHTTP(c.Writer, c.Request)
}

// asset is the address of a file in this release.
func asset(file string) string { return assetRoot + "/" + file + "?v=" + release }
