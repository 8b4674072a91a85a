package google

import "subfive/forwarders"

// beforeLive is what a person vouches for before real conversions arrive: they
// can change what a campaign spends within a day.
func beforeLive() []forwarders.Confirmation {
	return []forwarders.Confirmation{
		{ID: "secondary_action", Text: "The conversion action is set to secondary for now, so that its first conversions are reported and not bid on."},
		{ID: "no_smart_bidding", Text: "No campaign with smart bidding optimizes for the action yet: uploaded conversions can change what it spends within a day."},
		{ID: "value_basis", Text: "Value and currency are what the campaigns are to reckon with: the payout, or what the value rule makes of it."},
	}
}
