package config_test
import ("testing";"strings";"time";"fmt";"subfive/config")
func TestZZ(t *testing.T){
 for n, s := range map[string]string{
  "brackets": strings.Repeat("[", 100_000),
  "braces": "a: "+strings.Repeat("{a: ", 30_000),
  "settings": "destinations: [{id: a, platform: meta, settings: {x: "+strings.Repeat("[", 5_000)+strings.Repeat("]", 5_000)+"}}]",
  "dash": strings.Repeat("- ", 20_000),
  "long": "listen: "+strings.Repeat("a", 1_000_000),
  "many": "offers:\n"+strings.Repeat("  - {id: a, link: x}\n", 5_000),
  "manykeys": func() string { var b strings.Builder; for i:= range 5000 { fmt.Fprintf(&b, "k%d: 1\n", i)}; return b.String() }(),
  "settingslist": "destinations:\n  - id: a\n    platform: meta\n    settings:\n"+func() string { var b strings.Builder; for i:= range 3000 { fmt.Fprintf(&b, "      k%d: 1\n", i)}; return b.String() }(),
 } {
  start := time.Now()
  _, err := config.Parse("x", []byte(s), noEnv, config.WithPlatforms(platforms()))
  l := 0; if err != nil { l = len(err.Error()) }
  fmt.Println(n, time.Since(start), l)
 }
}
