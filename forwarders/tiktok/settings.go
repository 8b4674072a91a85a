package tiktok

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"subfive/forwarders"
)

const noTestCode = "test mode needs the setting test_event_code: without it TikTok counts test events as real ones"

// settings are what sample.yaml explains.
type settings struct {
	PixelCode             string `yaml:"pixel_code"`
	AccessToken           string `yaml:"access_token"`
	APIVersion            string `yaml:"api_version"`
	TestEventCode         string `yaml:"test_event_code"`
	PartnerName           string `yaml:"partner_name"`
	DefaultEventSourceURL string `yaml:"default_event_source_url"`
	OmitReferrer          bool   `yaml:"omit_referrer"`
	LimitedDataUse        *bool  `yaml:"limited_data_use"` // nil: say nothing
}

// complete fills in defaults and checks all of it: whatever TikTok would refuse
// for every event is refused here, where the buyer sees it.
func (s *settings) complete() error {
	s.AccessToken = strings.TrimSpace(s.AccessToken)
	if s.APIVersion == "" {
		s.APIVersion = "v1.3"
	}
	if s.PartnerName == "" {
		s.PartnerName = "subfive"
	}
	return errors.Join(s.checkAccount(), s.checkRequest())
}

func (s *settings) checkAccount() error {
	switch {
	case s.PixelCode == "":
		return errors.New("pixel_code is missing: the ID of the pixel in Events Manager")
	case strings.ContainsFunc(s.PixelCode, notInCode):
		return fmt.Errorf("pixel_code %q is not a code of letters and digits such as C4ABCDEF0123456789AB", s.PixelCode)
	case s.AccessToken == "":
		return errors.New("access_token is missing: Events Manager generates one in the pixel's settings")
	case strings.HasPrefix(strings.ToLower(s.AccessToken), "bearer"):
		return errors.New("access_token begins with Bearer: TikTok takes the token alone")
	case strings.ContainsFunc(s.AccessToken, unsendable):
		return errors.New("access_token contains white space or other characters that no token has")
	}
	return nil
}

func notInCode(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// unsendable reports characters that a header can't carry as they are.
func unsendable(r rune) bool { return r <= ' ' || r > '~' }

func (s *settings) checkRequest() error {
	if !regexp.MustCompile(`^v[1-9]\.\d{1,2}$`).MatchString(s.APIVersion) {
		return fmt.Errorf("api_version %q has not the form v1.3", s.APIVersion)
	}
	if strings.ContainsFunc(s.PartnerName, unsendable) {
		return fmt.Errorf("partner_name %q must be one word of ASCII", s.PartnerName)
	}
	if strings.ContainsFunc(s.TestEventCode, unsendable) {
		return fmt.Errorf("test_event_code %q is not a code such as TEST12345", s.TestEventCode)
	}
	if u := s.DefaultEventSourceURL; u != "" && !forwarders.IsPage(u) {
		return fmt.Errorf("default_event_source_url %q is not an http or https URL", u)
	}
	return nil
}
