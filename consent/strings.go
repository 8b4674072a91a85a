package consent

import (
	"slices"
	"strings"

	"github.com/prebid/go-gdpr/consentconstants"
	tcf2 "github.com/prebid/go-gdpr/vendorconsent/tcf2"
	"github.com/prebid/go-gpp/constants"
	"github.com/prebid/go-gpp/sections"
	"github.com/prebid/go-gpp/sections/uspca"
	"github.com/prebid/go-gpp/sections/uspco"
	"github.com/prebid/go-gpp/sections/uspct"
	"github.com/prebid/go-gpp/sections/uspnat"
	"github.com/prebid/go-gpp/sections/usput"
	"github.com/prebid/go-gpp/sections/uspva"

	"subfive"
)

// maxString is far above any real string. It comes from links that anybody can
// write, and the library counts bits in 16 bits.
const maxString = 8 << 10

// readTCF reads a string of the IAB's Transparency and Consent Framework 2. A
// platform needs purpose 1 (store and read on the device) and 7 (measure ads);
// to personalize, 3 (make a profile) and 4 (use it) besides. Only consent
// counts: a legitimate interest is not the visitor's word.
// https://iabeurope.eu/iab-europe-transparency-consent-framework-policies/
func readTCF(s string) subfive.Consent {
	c := subfive.Consent{UserData: subfive.ConsentUnknown, Personalization: subfive.ConsentUnknown}
	s = strings.TrimSpace(s)
	if len(s) > maxString || !tcf2.IsConsentV2(s) {
		return c
	}
	said, err := tcf2.ParseString(s)
	if err != nil {
		return c // it says nothing that can be understood
	}
	all := func(purposes ...consentconstants.Purpose) subfive.ConsentState {
		for _, p := range purposes {
			if !said.PurposeAllowed(p) {
				return subfive.ConsentDenied
			}
		}
		return subfive.ConsentGranted
	}
	c.UserData, c.Personalization = all(1, 7), all(1, 3, 4)
	return c
}

// readGPP reads a string of the IAB's Global Privacy Platform: a TCF section of
// the EU grants and denies, those of US laws tell of an opt-out. A section that
// can't be read says nothing; the others still count.
func readGPP(s string) (c subfive.Consent, optOut bool) {
	c = readTCF("")
	s = strings.TrimSpace(s)
	if len(s) > maxString {
		return c, false
	}
	parts := strings.Split(s, "~")
	ids, ok := sectionIDs(parts[0])
	if !ok || len(ids) != len(parts)-1 {
		return c, false
	}
	for i, id := range ids {
		if section := parts[i+1]; constants.SectionID(id) == constants.SectionTCFEU2 {
			c = readTCF(section)
		} else {
			optOut = optOut || optedOut(constants.SectionID(id), section)
		}
	}
	return c, optOut
}

// optedOut reports whether a section of a US law says that the visitor opted out
// of sale, sharing or targeted advertising, or sent Global Privacy Control.
func optedOut(id constants.SectionID, section string) bool {
	var gpc bool
	var choices []byte // 1: opted out; 2: did not; 0: the law does not ask
	var err error
	switch id {
	case constants.SectionTCFEU2, constants.SectionGPP: // no US law's
		return false
	case constants.SectionUSPV1: // "1YYN": version, notice, opted out, agreement
		return len(section) == 4 && section[0] == '1' && section[2] == 'Y'
	case constants.SectionUSPNAT:
		var s uspnat.USPNAT
		s, err = uspnat.NewUSPNAT(section)
		gpc, choices = s.GPCSegment.Gpc, []byte{s.CoreSegment.SaleOptOut, s.CoreSegment.SharingOptOut, s.CoreSegment.TargetedAdvertisingOptOut}
	case constants.SectionUSPCA:
		var s uspca.USPCA
		s, err = uspca.NewUSPCA(section)
		gpc, choices = s.GPCSegment.Gpc, []byte{s.CoreSegment.SaleOptOut, s.CoreSegment.SharingOptOut}
	case constants.SectionUSPVA:
		var s uspva.USPVA
		s, err = uspva.NewUSPVA(section)
		choices = []byte{s.CoreSegment.SaleOptOut, s.CoreSegment.TargetedAdvertisingOptOut}
	case constants.SectionUSPCO:
		var s uspco.USPCO
		s, err = uspco.NewUSPCO(section)
		gpc, choices = s.GPCSegment.Gpc, []byte{s.CoreSegment.SaleOptOut, s.CoreSegment.TargetedAdvertisingOptOut}
	case constants.SectionUSPUT:
		var s usput.USPUT
		s, err = usput.NewUSPUT(section)
		choices = []byte{s.CoreSegment.SaleOptOut, s.CoreSegment.TargetedAdvertisingOptOut}
	case constants.SectionUSPCT:
		var s uspct.USPCT
		s, err = uspct.NewUSPCT(section)
		gpc, choices = s.GPCSegment.Gpc, []byte{s.CoreSegment.SaleOptOut, s.CoreSegment.TargetedAdvertisingOptOut}
	default:
		gpc, choices, err = laterState(int(id), section)
	}
	return err == nil && (gpc || slices.Contains(choices, 1))
}

// The states whose sections the library does not know, and whose beginning is
// Virginia's: version, three notices, opted out of sale, opted out of targeted
// advertising. Iowa's has a fourth notice.
const (
	florida   = 13
	iowa      = 18
	tennessee = 22
)

// laterState reads what a section of those states begins with.
func laterState(id int, section string) (gpc bool, choices []byte, err error) {
	if id < florida || id > tennessee {
		return false, nil, nil
	}
	core, signal, err := sections.CreateBitStreams(section, true)
	if err != nil {
		return false, nil, err
	}
	if signal != nil {
		segment, err := sections.NewCommonUSGPCSegment(signal)
		if err != nil {
			return false, nil, err
		}
		gpc = segment.Gpc
	}
	notices := 3
	if id == iowa {
		notices = 4
	}
	if _, err := core.ReadByte6(); err != nil {
		return false, nil, err
	}
	fields, err := core.ReadTwoBitField(notices + 2)
	if err != nil {
		return false, nil, err
	}
	return gpc, fields[notices:], nil
}
