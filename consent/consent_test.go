package consent

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	gpp "github.com/prebid/go-gpp"
	"github.com/prebid/go-gpp/constants"

	"subfive"
)

// pack writes numbers of some bits each in the alphabet of TCF and GPP, filled
// up with zeros to whole groups of four letters.
func pack(fields ...[2]int) string {
	var all []int
	for _, f := range fields {
		for i := f[1] - 1; i >= 0; i-- {
			all = append(all, f[0]>>i&1)
		}
	}
	for len(all)%24 != 0 {
		all = append(all, 0)
	}
	var b strings.Builder
	for i := 0; i < len(all); i += 6 {
		v := 0
		for _, bit := range all[i : i+6] {
			v = v<<1 | bit
		}
		b.WriteByte(base64URL[v])
	}
	return b.String()
}

// tcf is a TCF string in which the visitor consents to the purposes named.
func tcf(purposes ...int) string {
	consents := 0
	for _, p := range purposes {
		consents |= 1 << (24 - p)
	}
	return pack([2]int{2, 6}, [2]int{0, 36}, [2]int{0, 36}, [2]int{31, 12}, [2]int{1, 12}, [2]int{1, 6}, [2]int{0, 12},
		[2]int{48, 12}, [2]int{4, 6}, [2]int{0, 2}, [2]int{0, 12}, [2]int{consents, 24}, // legitimate interests are all there: they do not count
		[2]int{1<<24 - 1, 24}, [2]int{0, 1}, [2]int{0, 12}, [2]int{0, 16}, [2]int{0, 1}, [2]int{0, 16}, [2]int{0, 1}, [2]int{0, 12})
}

// text is a section as it stands in a string.
type text struct {
	id    int
	value string
}

func (t text) GetID() constants.SectionID { return constants.SectionID(t.id) }
func (t text) GetValue() string           { return t.value }
func (t text) Encode(bool) []byte         { return []byte(t.value) }

// gppOf is a GPP string as the library writes it.
func gppOf(t *testing.T, sections ...text) string {
	t.Helper()
	var all []gpp.Section
	for _, s := range sections {
		all = append(all, s)
	}
	s, err := gpp.Encode(all)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// state is a section of a US state: some notices, then opted out of sale and of
// targeted advertising, and nothing else.
func state(notices, sale, ads int) string {
	fields := [][2]int{{1, 6}}
	for range notices {
		fields = append(fields, [2]int{1, 2})
	}
	return pack(append(fields, [2]int{sale, 2}, [2]int{ads, 2}, [2]int{0, 40})...)
}

// national is the US national section: opted out of sale, sharing and targeted
// advertising.
func national(sale, sharing, ads int) string {
	return pack([2]int{1, 6}, [2]int{0b010101010101, 12}, [2]int{sale, 2}, [2]int{sharing, 2}, [2]int{ads, 2}, [2]int{0, 24}, [2]int{0, 12})
}

const (
	granted = subfive.ConsentGranted
	denied  = subfive.ConsentDenied
	unknown = subfive.ConsentUnknown
)

func TestRead(t *testing.T) {
	type fields = map[string]string
	gpcYes, gpcNo := pack([2]int{1, 2}, [2]int{1, 1}), pack([2]int{1, 2}, [2]int{0, 1})
	tests := map[string]struct {
		fields fields
		want   subfive.Consent
	}{
		"nothing":                          {nil, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"granted":                          {fields{"consent_ad_user_data": "granted"}, subfive.Consent{UserData: granted, Personalization: unknown}},
		"granted, in Google's spelling":    {fields{"consent_ad_user_data": " CONSENT_GRANTED "}, subfive.Consent{UserData: granted, Personalization: unknown}},
		"denied":                           {fields{"consent_ad_user_data": "Denied", "consent_ad_personalization": "denied"}, subfive.Consent{UserData: denied, Personalization: denied}},
		"a word nobody knows":              {fields{"consent_ad_user_data": "yes"}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"gdpr=0 alone":                     {fields{"gdpr": "0"}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"gdpr=1 alone":                     {fields{"gdpr": "1"}, subfive.Consent{UserData: unknown, Personalization: unknown, GDPR: true}},
		"TCF: all":                         {fields{"gdpr": "1", "gdpr_consent": tcf(1, 2, 3, 4, 7)}, subfive.Consent{UserData: granted, Personalization: granted, GDPR: true}},
		"TCF: to measure alone":            {fields{"gdpr_consent": tcf(1, 7)}, subfive.Consent{UserData: granted, Personalization: denied}},
		"TCF: without storage":             {fields{"gdpr_consent": tcf(2, 3, 4, 7)}, subfive.Consent{UserData: denied, Personalization: denied}},
		"TCF: without measuring":           {fields{"gdpr_consent": tcf(1, 3, 4)}, subfive.Consent{UserData: denied, Personalization: granted}},
		"TCF: nothing":                     {fields{"gdpr_consent": tcf()}, subfive.Consent{UserData: denied, Personalization: denied}},
		"TCF: with segments":               {fields{"gdpr_consent": tcf(1, 7) + ".YAAAAAAAAAAA"}, subfive.Consent{UserData: granted, Personalization: denied}},
		"TCF: of the standard":             {fields{"gdpr_consent": "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"}, subfive.Consent{UserData: denied, Personalization: denied}},
		"TCF: cut off":                     {fields{"gdpr_consent": tcf(1, 7)[:30]}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"TCF: garbage":                     {fields{"gdpr_consent": "C%%%"}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"TCF: version 1":                   {fields{"gdpr_consent": "BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA"}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"TCF: a literal macro":             {fields{"gdpr_consent": "${GDPR_CONSENT_755}"}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"granted in spite of the string":   {fields{"consent_ad_user_data": "granted", "gdpr_consent": tcf()}, subfive.Consent{UserData: granted, Personalization: denied}},
		"denied in spite of the string":    {fields{"consent_ad_user_data": "denied", "gdpr_consent": tcf(1, 7)}, subfive.Consent{UserData: denied, Personalization: denied}},
		"two strings, the second refuses":  {fields{"gdpr_consent": tcf(1, 3, 4, 7), "gpp": gppOf(t, text{2, tcf(1)})}, subfive.Consent{UserData: denied, Personalization: denied}},
		"two strings, the first refuses":   {fields{"gdpr_consent": tcf(1), "gpp": gppOf(t, text{2, tcf(1, 3, 4, 7)})}, subfive.Consent{UserData: denied, Personalization: denied}},
		"TCF in GPP":                       {fields{"gpp": gppOf(t, text{2, tcf(1, 3, 4, 7)})}, subfive.Consent{UserData: granted, Personalization: granted}},
		"Sec-GPC":                          {fields{"sec_gpc": "1"}, subfive.Consent{UserData: unknown, Personalization: unknown, OptOut: true}},
		"Sec-GPC of no meaning":            {fields{"sec_gpc": "0"}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"granted and opted out":            {fields{"consent_ad_user_data": "granted", "sec_gpc": "1"}, subfive.Consent{UserData: granted, Personalization: unknown, OptOut: true}},
		"US national: nothing":             {fields{"gpp": gppOf(t, text{7, national(2, 2, 2)})}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"US national: sale":                {fields{"gpp": gppOf(t, text{7, national(1, 2, 2)})}, subfive.Consent{UserData: unknown, Personalization: unknown, OptOut: true}},
		"US national: sharing":             {fields{"gpp": gppOf(t, text{7, national(2, 1, 2)})}, subfive.Consent{UserData: unknown, Personalization: unknown, OptOut: true}},
		"US national: targeted ads":        {fields{"gpp": gppOf(t, text{7, national(2, 2, 1)})}, subfive.Consent{UserData: unknown, Personalization: unknown, OptOut: true}},
		"US national: GPC":                 {fields{"gpp": gppOf(t, text{7, national(2, 2, 2) + "." + gpcYes})}, subfive.Consent{UserData: unknown, Personalization: unknown, OptOut: true}},
		"US national: no GPC":              {fields{"gpp": gppOf(t, text{7, national(2, 2, 2) + "." + gpcNo})}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"of the library's own tests":       {fields{"gpp": "DBABh4A~BlgWEYCY.QA~BSFgmiU"}, subfive.Consent{UserData: unknown, Personalization: unknown, OptOut: true}},
		"of the library's tests, with GPC": {fields{"gpp": "DBABLA~DSJgmkoZJSA.YA"}, subfive.Consent{UserData: unknown, Personalization: unknown, OptOut: true}},
		"the second section opts out":      {fields{"gpp": gppOf(t, text{2, tcf(1, 7)}, text{9, state(3, 2, 1)})}, subfive.Consent{UserData: granted, Personalization: denied, OptOut: true}},
		"one that can't be read before":    {fields{"gpp": gppOf(t, text{7, "%"}, text{9, state(3, 1, 2)})}, subfive.Consent{UserData: unknown, Personalization: unknown, OptOut: true}},
		"US Privacy: opted out":            {fields{"gpp": gppOf(t, text{6, "1YYN"})}, subfive.Consent{UserData: unknown, Personalization: unknown, OptOut: true}},
		"US Privacy: not":                  {fields{"gpp": gppOf(t, text{6, "1YNN"})}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"a section of no US law":           {fields{"gpp": gppOf(t, text{5, state(3, 1, 1)})}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"a section of the future":          {fields{"gpp": gppOf(t, text{40, state(3, 1, 1)})}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"GPP: sections are missing":        {fields{"gpp": "DBABh4A~BlgWEYCY.YA"}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"GPP: garbage":                     {fields{"gpp": "granted"}, subfive.Consent{UserData: unknown, Personalization: unknown}},
		"strings without end":              {fields{"gpp": strings.Repeat("D", 1<<20), "gdpr_consent": strings.Repeat("C", 1<<20)}, subfive.Consent{UserData: unknown, Personalization: unknown}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Read(tt.fields)); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		})
	}
}

// Each state's section is read for both of its opt-outs, and for nothing else.
func TestStates(t *testing.T) {
	notices := map[int]int{9: 3, 10: 3, 11: 4, 12: 3, 13: 3, 14: 3, 15: 3, 16: 3, 17: 3, 18: 4, 19: 3, 20: 3, 21: 3, 22: 3}
	for id, n := range notices {
		for choices, want := range map[[2]int]bool{{0, 0}: false, {2, 2}: false, {1, 2}: true, {2, 1}: true} {
			got := Read(map[string]string{"gpp": gppOf(t, text{id, state(n, choices[0], choices[1])})}).OptOut
			if got != want {
				t.Errorf("section %d with %v: opted out is %v, want %v", id, choices, got, want)
			}
		}
	}
	for sale, want := range map[int]bool{1: true, 2: false} { // California: sale, sharing
		if got := Read(map[string]string{"gpp": gppOf(t, text{8, state(3, 2, sale)})}).OptOut; got != want {
			t.Errorf("section 8, shared %d: opted out is %v, want %v", sale, got, want)
		}
	}
}

// The header is read as the library writes it.
func TestSectionIDs(t *testing.T) {
	for first := 1; first <= maxSection; first++ {
		for _, more := range [][]int{nil, {1}, {1, 2}, {2}, {2, 3, 7}, {5, 6, 9}} {
			sections, want := []text{{first, ""}}, []int{first}
			for _, step := range more {
				if id := first + step; id <= maxSection {
					sections, want = append(sections, text{id, ""}), append(want, id)
				}
			}
			s := gppOf(t, sections...)
			if got, ok := sectionIDs(s[:len(s)-len(sections)]); !ok || !slices.Equal(got, want) {
				t.Errorf("%s: sections %v, %v; want %v", s, got, ok, want)
			}
		}
	}
}

// What the library would count on for ever is refused.
func TestSectionIDsOfNoEnd(t *testing.T) {
	header := func(entries int, rest ...[2]int) string {
		return pack(append([][2]int{{3, 6}, {1, 6}, {entries, 12}}, rest...)...)
	}
	tests := map[string]string{
		"a number of many bits":      header(1) + strings.Repeat("A", 4000) + "w",
		"more entries than sections": header(4095),
		"a range of 65535":           header(1, [2]int{1, 1}, [2]int{3, 2}, [2]int{0b101000000000101000010011, 24}),
		"another type":               pack([2]int{4, 6}, [2]int{1, 6}, [2]int{0, 12}),
		"another version":            pack([2]int{3, 6}, [2]int{2, 6}, [2]int{0, 12}),
		"cut off":                    "DBA",
		"empty":                      "",
		"another alphabet":           "DBA+",
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			if ids, ok := sectionIDs(s); ok {
				t.Errorf("read as %v", ids)
			}
		})
	}
}

// FuzzRead holds that any string can be read, that nothing is granted but by a
// word or a TCF string, and that words win.
func FuzzRead(f *testing.F) {
	f.Add("granted", "", "")
	f.Add("", tcf(1, 7), "DBABLA~DSJgmkoZJSA.YA")
	f.Add("denied", tcf(), "DBACNY~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN")
	f.Fuzz(func(t *testing.T, word, tcfString, gppString string) {
		c := Read(map[string]string{"consent_ad_user_data": word, "gdpr_consent": tcfString, "gpp": gppString})
		for _, s := range []subfive.ConsentState{c.UserData, c.Personalization} {
			if s != granted && s != denied && s != unknown {
				t.Errorf("the state is %q", s)
			}
		}
		if c.UserData == granted && !strings.Contains(strings.ToLower(word), "granted") &&
			!strings.HasPrefix(strings.TrimSpace(tcfString), "C") && !strings.Contains(gppString, "~C") {
			t.Errorf("granted by %q, %q, %q", word, tcfString, gppString)
		}
		if strings.EqualFold(word, "denied") && c.UserData != denied {
			t.Errorf("denied, and read as %s", c.UserData)
		}
	})
}

// FuzzMerge holds that what two sources say is read as careful as either says it.
func FuzzMerge(f *testing.F) {
	f.Add("granted", "", "", "0", "", tcf(), "DBABLA~DSJgmkoZJSA.YA", "1")
	f.Add("", tcf(1, 3, 4, 7), "", "", "yes", tcf(1), "x", " 1")
	f.Add("CONSENT_DENIED", "", "DBABh4A~BlgWEYCY.QA~BSFgmiU", "", "granted", tcf(1, 7), "", "")
	f.Fuzz(func(t *testing.T, word1, tcf1, gpp1, gpc1, word2, tcf2, gpp2, gpc2 string) {
		fields := func(word, tcf, gpp, gpc string) map[string]string {
			return map[string]string{"consent_ad_user_data": word, "gdpr_consent": tcf, "gpp": gpp, "sec_gpc": gpc, "gdpr": gpc}
		}
		first, second := fields(word1, tcf1, gpp1, gpc1), fields(word2, tcf2, gpp2, gpc2)
		merged := subfive.MergeConsent(Read, first, second)
		want := Read(first).Careful(Read(second))
		if got := Read(merged); got != want {
			t.Errorf("%v and %v read as %+v, want %+v", first, second, got, want)
		}
		if diff := cmp.Diff(merged, subfive.MergeConsent(Read, merged, second)); diff != "" {
			t.Errorf("the second once more changes it: %s", diff)
		}
	})
}

func ExampleRead() {
	c := Read(map[string]string{"gdpr": "1", "consent_ad_user_data": "granted", "sec_gpc": "1"})
	fmt.Println(c.UserData, c.Personalization, c.OptOut)
	// Output: granted unknown true
}
