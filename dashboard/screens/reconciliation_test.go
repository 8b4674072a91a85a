package screens

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	noStanding = `{"items":[{"network_id":"everflow","approved":0,"next_level":20,"to_go":20,"rates_since":"2026-08-26","total":{"approved":0,"rejected":0,"pending":0,"chargebacks":0},"parts":[],"warnings":[]}]}`
	standing   = `{"items":[{"network_id":"everflow","approved":1204,"next_level":0,"to_go":0,"rates_since":"2026-08-26","total":{"approved":80,"rejected":20,"pending":5,"chargebacks":2,"rejected_percent":20,"chargeback_percent":2.43},
		"parts":[{"source_id":"meta-us","ad_id":"120210000000000311","approved":80,"rejected":20,"pending":5,"chargebacks":2,"rejected_percent":20,"chargeback_percent":2.43}],
		"warnings":["everflow: 2 of 82 approved conversions were taken back (2.4 %): chargebacks can suspend an account"]}]}`
	comparedRow = `"reconciliation_id":"rc_1","network_id":"everflow","dry_run":false,"started_at":"2026-11-24T03:00:00Z","finished_at":"2026-11-24T03:01:00Z","network_conversions":1204,"our_conversions":1202`
	side        = `{"conversions":1204,"rejected":3,"payout":{"USD":"14938.50"}}`
)

func reconciliationStates(testing.TB) []state {
	runs := `{"items":[{` + comparedRow + `,"state":"done"},{"reconciliation_id":"rc_0","network_id":"everflow","state":"failed","dry_run":true,"started_at":"2026-11-23T03:00:00Z","network_conversions":0,"our_conversions":0}]}`
	row := func(key string) string {
		return `{"key":"` + key + `","network":` + side + `,"received":{"conversions":1202,"rejected":3,"payout":{"USD":"14853.50","EUR":"20.00"}},"delivered":{"conversions":1100,"rejected":0,"payout":{}},"claimed":12,"missing_here":1,"unheard":2}`
	}
	one := `{` + comparedRow + `,"state":"done","result":{"since":"2026-10-20T03:00:00Z","until":"2026-11-24T02:00:00Z","backfilled":2,"changed":1,"settled":0,
		"totals":{"network":` + side + `,"received":` + side + `,"delivered":{"conversions":1100,"rejected":0,"payout":{}},"claimed":12,"matched":1200,"outcomes":{"missing_here":2},"missing_here":1,"unheard":2,"gap_percent":0.17},
		"days":[` + row("2026-11-22") + `,` + row("2026-11-23") + `],"ads":[` + row("<script>alert(1)</script>") + `],"offers":[]},
		"differences":[
			{"outcome":"missing_here","day":"2026-11-23","network_conversion_id":"nc-9","transaction_id":"tx-9","goal":"base","at":"2026-11-23T09:00:00Z","their_status":"approved","their_payout":"42.50","currency":"USD","mended":true},
			{"outcome":"payout_drift","day":"2026-11-22","ad_id":"a","conversion_id":"cv_1","network_conversion_id":"nc-8","goal":"base","at":"2026-11-22T09:00:00Z","their_status":"approved","our_status":"pending","their_payout":"40.00","our_payout":"42.50","currency":"USD","mended":false,"note":"the network’s is older"}]}`
	full := map[string]string{"GET /reconciliations": runs, "GET /standing": standing, "GET /reconciliations/rc_1": one}
	return []state{
		{name: "reconciliation/error", path: "/admin/reconciliation", status: http.StatusNotFound, sees: []string{"there is nothing of that ID"}},
		{name: "reconciliation/empty", path: "/admin/reconciliation", answers: map[string]string{"GET /reconciliations": `{"items":[]}`, "GET /standing": noStanding}, sees: []string{"Nothing was compared yet", "api_key", "Compare with the network"}},
		{
			name: "reconciliation/full", path: "/admin/reconciliation", answers: full,
			sees: []string{"No postback came of 2 of everflow’s 1,204 conversions, 0.2 %", "$14,853.50", "missing here", "/admin/conversions/cv_1", "nc-9", "chargebacks can suspend"},
		},
		{name: "reconciliation/one day", path: "/admin/reconciliation/rc_1?by=day&key=2026-11-22", answers: full, sees: []string{"What differs, 2026-11-22", "another payout"}},
		{name: "reconciliation/by ad", path: "/admin/reconciliation/rc_1?by=ad", answers: full, sees: []string{"&lt;script&gt;"}},
		{name: "reconciliation/by offer, nothing", path: "/admin/reconciliation/rc_1?by=offer", answers: full, sees: []string{"There is nothing to break down"}},
		{
			name: "reconciliation/agrees", path: "/admin/reconciliation", who: analyst, sees: []string{"Everflow and we agree on 4 conversions", "both books say the same"},
			answers: map[string]string{"GET /reconciliations": runs, "GET /standing": noStanding, "GET /reconciliations/rc_1": `{` + comparedRow + `,"state":"done","result":{"totals":{"network":{"conversions":4}},"days":[],"ads":[],"offers":[]},"differences":[]}`},
		},
		{
			name: "reconciliation/running", path: "/admin/reconciliation/rc_2", sees: []string{"Comparing with everflow", "It runs."},
			answers: map[string]string{
				"GET /reconciliations": `{"items":[{"reconciliation_id":"rc_2","network_id":"everflow","state":"running","dry_run":false,"started_at":"2026-11-24T08:59:00Z","network_conversions":0,"our_conversions":0}]}`, "GET /standing": noStanding,
				"GET /reconciliations/rc_2": `{"reconciliation_id":"rc_2","network_id":"everflow","state":"running","dry_run":false,"started_at":"2026-11-24T08:59:00Z","network_conversions":0,"our_conversions":0,"differences":[]}`,
			},
		},
		{
			name: "reconciliation/failed", path: "/admin/reconciliation/rc_0", sees: []string{"The comparison with everflow failed", "the API key is refused"},
			answers: map[string]string{
				"GET /reconciliations": runs, "GET /standing": noStanding,
				"GET /reconciliations/rc_0": `{"reconciliation_id":"rc_0","network_id":"everflow","state":"failed","dry_run":true,"started_at":"2026-11-23T03:00:00Z","network_conversions":0,"our_conversions":0,"result":{"error":"the API key is refused"},"differences":[]}`,
			},
		},
	}
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	a := &api{answers: map[string]string{"POST /reconciliations": `{"reconciliation_id":"rc_2","network_id":"everflow","state":"running"}`}}
	checkAct(t, a, "/admin/reconciliation", "network=everflow&since=35d&dry=yes&back=/admin/reconciliation", "/admin/reconciliation/rc_2", "The comparison with everflow runs")
	if diff := cmp.Diff([]string{`POST /reconciliations {"dry_run":true,"network_id":"everflow","since":"35d"}`}, a.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	refused := &api{answers: map[string]string{"POST /reconciliations": `409 {"error":{"what":"a comparison runs","do":"wait for it"}}`}}
	checkAct(t, refused, "/admin/reconciliation", "back=/admin/reconciliation", "/admin/reconciliation", "a comparison runs: wait for it")
}
