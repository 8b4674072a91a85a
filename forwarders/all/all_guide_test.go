package all

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The ad platforms take no GET with parameters: what we say to them is a POST to
// their API, and neither its address nor its golden holds a token.
func TestAdPlatformsAreToldByPost(t *testing.T) {
	apis := map[string][]string{
		"google": {"https://datamanager.googleapis.com/", "https://googleads.googleapis.com/"},
		"meta":   {"https://graph.facebook.com/"},
		"reddit": {"https://ads-api.reddit.com/"},
		"tiktok": {"https://business-api.tiktok.com/"},
	}
	for platform, hosts := range apis {
		t.Run(platform, func(t *testing.T) {
			seen := 0
			err := filepath.WalkDir(filepath.Join("..", platform, "testdata"), func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.Name() != "request.golden" {
					return err
				}
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				line, _, _ := strings.Cut(string(data), "\n")
				if strings.HasPrefix(line, "cannot be sent: ") {
					return nil
				}
				method, target, _ := strings.Cut(line, " ")
				seen++
				known := false
				for _, host := range hosts {
					known = known || strings.HasPrefix(target, host)
				}
				if method != "POST" || !known || strings.Contains(target, "token") {
					t.Errorf("%s: %s", path, line)
				}
				if bytes.Contains(data, []byte("Authorization:")) || bytes.Contains(data, []byte("Access-Token:")) {
					t.Errorf("%s holds credentials", path)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if seen < 10 {
				t.Errorf("%d requests", seen)
			}
		})
	}
}
