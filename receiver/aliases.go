package receiver

import (
	"strconv"

	"subfive"
)

// field is what a parameter means to us, whatever its sender calls it.
type field string

const (
	fieldClickID      field = "click_id"
	fieldPayout       field = "payout"
	fieldOfferID      field = "offer_id"
	fieldTransaction  field = "tx_id"
	fieldConversion   field = "conversion_id"
	fieldEventID      field = "event_id"
	fieldEventName    field = "event_name"
	fieldIsEvent      field = "is_event"
	fieldOrderID      field = "order_id"
	fieldSaleAmount   field = "sale_amount"
	fieldCurrency     field = "currency"
	fieldStatus       field = "status"
	fieldTimestamp    field = "timestamp"
	fieldSub          field = "sub" // sub1…sub10, adv1…adv10 and the like: kept as they are
	fieldCoupon       field = "coupon_code"
	fieldTest         field = "test"
	fieldKey          field = "key"
	fieldType         field = "type"          // Everflow's conversion, event or cpc
	fieldGoalType     field = "goal_type"     // a rival's conversion type: a goal, or cpc
	fieldEventSlot    field = "event_slot"    // Binom's event1…event30: the name is the goal
	fieldUpdate       field = "upd_clickid"   // Binom's click to update
	fieldSaleWords    field = "sale_status"   // Keitaro: which words of theirs mean approved,
	fieldLeadWords    field = "lead_status"   // pending,
	fieldRejectWords  field = "reject_status" // rejected,
	fieldIgnoreWords  field = "ignore_status" // and nothing at all
	fieldNone         field = ""
	maxSub                  = 10
	maxKeitaroSub           = 30
	maxBinomEventSlot       = 30
)

// dialect is the tracker whose parameter names a path speaks. Every dialect
// understands plain too; its own meanings come first.
type dialect string

const (
	plain      dialect = ""           // /conversion
	redirected dialect = "postback"   // /postback: RedTrack, Voluum, BeMob
	keitaro    dialect = "keitaro"    // /{key}/postback
	anytrack   dialect = "anytrack"   // /{account}/collect/{slug}
	clickflare dialect = "clickflare" // /cf/cv, /cf/postback
	binom      dialect = "binom"      // /click.php, /click
	prosper    dialect = "prosper202" // /tracking202/static/gpb.php
	yellow     dialect = "yellow"     // /postback.php
)

// vocabulary gives folded parameter names their meaning.
type vocabulary struct {
	fields  map[dialect]map[string]field
	users   map[string]string // folded name → user data field
	clicks  map[string]string // folded name → a platform's click parameter
	consent map[string]string
	known   names
}

// newVocabulary builds the tables; clickParams are the platforms' click
// parameters and cookies.
func newVocabulary(clickParams []string) vocabulary {
	v := vocabulary{
		fields: rivals(), users: map[string]string{}, clicks: map[string]string{}, known: names{},
		consent: map[string]string{},
	}
	for _, name := range subfive.UserFields() {
		v.users[fold(name)] = name
	}
	for _, name := range clickParams {
		v.clicks[fold(name)] = name
	}
	for _, name := range subfive.ConsentFields() {
		v.consent[fold(name)] = name
	}
	for _, table := range v.fields {
		for name := range table {
			v.known[name] = true
		}
	}
	for _, table := range []map[string]string{v.users, v.clicks, v.consent} {
		for name := range table {
			v.known[name] = true
		}
	}
	return v
}

// field returns what a parameter's folded name means in a dialect.
func (v vocabulary) field(d dialect, folded string) field {
	if f, ok := v.fields[d][folded]; ok {
		return f
	}
	return v.fields[plain][folded]
}

// anyField returns what a folded name means in any dialect, or fieldNone.
func (v vocabulary) anyField(folded string) field {
	if f, ok := v.fields[plain][folded]; ok {
		return f
	}
	for _, d := range []dialect{redirected, keitaro, anytrack, clickflare, binom, prosper} {
		if f, ok := v.fields[d][folded]; ok {
			return f
		}
	}
	return fieldNone
}

// rivals lists each dialect's own names, folded. Their sources are the
// trackers' documentation: help.redtrack.io, doc.voluum.com, docs.bemob.com,
// docs.binom.org, readme.anytrack.io, docs.keitaro.io, help.clickflare.io, and
// the Prosper202 and YellowCloaker repositories.
func rivals() map[dialect]map[string]field {
	all := map[dialect]map[string]field{
		plain: {
			"clickid": fieldClickID, "cid": fieldClickID, "payout": fieldPayout, "payoutamount": fieldPayout,
			"offerid": fieldOfferID, "txid": fieldTransaction, "transactionid": fieldTransaction, "tid": fieldTransaction,
			"conversionid": fieldConversion, "eventid": fieldEventID, "eventname": fieldEventName,
			"isevent": fieldIsEvent, "orderid": fieldOrderID, "saleamount": fieldSaleAmount,
			"currency": fieldCurrency, "status": fieldStatus, "timestamp": fieldTimestamp,
			"couponcode": fieldCoupon, "test": fieldTest, "key": fieldKey,
			"type": fieldType, "postbacktype": fieldType, "trackingtype": fieldType, "et": fieldType,
		},
		redirected: {
			"sum": fieldPayout, "rdtkeventid": fieldConversion,
			"type": fieldGoalType, "et": fieldGoalType, "cet": fieldGoalType,
		},
		keitaro: {
			"subid": fieldClickID, "revenue": fieldPayout,
			"salestatus": fieldSaleWords, "leadstatus": fieldLeadWords,
			"rejectedstatus": fieldRejectWords, "ignorestatus": fieldIgnoreWords,
		},
		anytrack:   {"click": fieldClickID, "value": fieldPayout},
		clickflare: {"ct": fieldGoalType},
		binom: {
			"cnvid": fieldClickID, "updclickid": fieldUpdate, "updkey": fieldKey, "cnvstatus": fieldStatus,
			"cnvstatus2": fieldStatus, "cnvcurrency": fieldCurrency,
		},
		prosper: {
			"subid": fieldClickID, "sid": fieldClickID, "amount": fieldPayout, "oid": fieldOrderID,
		},
		yellow: {"subid": fieldClickID},
	}
	number(all[plain], "sub", maxSub, fieldSub)
	number(all[plain], "adv", maxSub, fieldSub)
	number(all[keitaro], "subid", maxKeitaroSub, fieldSub)
	number(all[binom], "event", maxBinomEventSlot, fieldEventSlot)
	number(all[binom], "addevent", maxBinomEventSlot, fieldEventSlot)
	return all
}

func number(table map[string]field, name string, to int, f field) {
	for i := 1; i <= to; i++ {
		table[name+strconv.Itoa(i)] = f
	}
}
