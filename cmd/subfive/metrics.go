package main

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"subfive"
)

// metrics counts for all pieces, and reads the rest when it is asked.
type metrics struct {
	registry  *prometheus.Registry
	postbacks *prometheus.CounterVec
	intake    *prometheus.HistogramVec
	atRisk    prometheus.Gauge
	lost      prometheus.Counter
	answers   *prometheus.CounterVec
	delay     *prometheus.HistogramVec
	paused    *prometheus.GaugeVec
	noCert    *prometheus.CounterVec

	databaseDown atomic.Bool
	// What alerts ask about clicks.
	clicksAtRisk, lostClicks atomic.Int64
}

func newMetrics(t *tracker) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		postbacks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "subfive_postbacks_total", Help: "Postbacks acknowledged, by network and reading.",
		}, []string{"network", "reading"}),
		intake: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "subfive_intake_seconds", Help: "From a request's arrival to its answer.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"kind"}),
		atRisk: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "subfive_clicks_at_risk", Help: "Clicks that were redirected and are in memory only.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "subfive_clicks_lost_total", Help: "Clicks that were redirected and could not be kept even in memory.",
		}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "subfive_deliveries_total", Help: "Deliveries in requests that ended, by destination and class of the answer.",
		}, []string{"destination", "class"}),
		delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "subfive_delivery_seconds", Help: "From a delivery's making to its acceptance.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 15, 60, 300, 1800, 7200, 86400},
		}, []string{"destination"}),
		paused: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "subfive_destination_paused", Help: "1 while the destination is paused.",
		}, []string{"destination"}),
		noCert: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "subfive_certificate_failures_total", Help: "Tries to get or renew a certificate that failed.",
		}, []string{"host"}),
	}
	m.registry.MustRegister(m.postbacks, m.intake, m.atRisk, m.lost, m.answers, m.delay, m.paused, m.noCert, certificates{t},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), state{t}, t.budget)
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Postback and the next three are receiver.Observer.
func (m *metrics) Postback(network string, r subfive.Reading, took time.Duration) {
	m.postbacks.WithLabelValues(network, string(r)).Inc()
	m.intake.WithLabelValues("postback").Observe(took.Seconds())
}

func (m *metrics) Click(took time.Duration) {
	m.intake.WithLabelValues("click").Observe(took.Seconds())
}

func (m *metrics) ClicksAtRisk(n int) {
	m.atRisk.Set(float64(n))
	m.clicksAtRisk.Store(int64(n))
}

func (m *metrics) ClickLost() {
	m.lost.Inc()
	m.lostClicks.Add(1)
}

// Answered and the next two are outbox.Observer.
func (m *metrics) Answered(destination string, class subfive.Class) {
	m.answers.WithLabelValues(destination, string(class)).Inc()
}

func (m *metrics) Delivered(destination string, after time.Duration) {
	m.delay.WithLabelValues(destination).Observe(after.Seconds())
}

func (m *metrics) Paused(p subfive.Pause) {
	on := 0.0
	if p.Manual || !p.Until.IsZero() {
		on = 1
	}
	m.paused.WithLabelValues(p.DestinationID).Set(on)
}

func (m *metrics) certificateFailed(host string) { m.noCert.WithLabelValues(host).Inc() }

// state reads from the journal and the database what is so at the moment.
type state struct{ t *tracker }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("subfive_"+name, help, labels, nil)
}

// The gauges that state reads.
var (
	descJournalBytes  = desc("journal_bytes", "Size of the journal on disk.")
	descJournalOldest = desc("journal_oldest_seconds", "Age of the oldest record that is not in the database yet.")
	descGap           = desc("conservation_gap", "Records in the journal that are not in the database yet; 0 when caught up.")
	descReady         = desc("outbox_ready", "Deliveries that are due.", "destination")
	descOldest        = desc("outbox_oldest_seconds", "Since when the oldest due delivery is due.", "destination")
	descUnmatched     = desc("unmatched", "Conversions whose click never came.")
	descUnsettled     = desc("unsettled", "Possible duplicates that wait for a decision.")
	descBroken        = desc("broken", "Records that could not be decided or stored, kept as they were.")
	descTees          = desc("tee_waiting", "Copies of postbacks that another tracker has not taken yet.", "endpoint")
	descDatabase      = desc("database_up", "1 while the database answers.")
)

func (s state) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descJournalBytes, descJournalOldest, descGap, descReady, descOldest, descUnmatched, descUnsettled, descBroken, descTees, descDatabase,
	} {
		to <- d
	}
}

// readTimeout bounds what the database may take for a scrape.
const readTimeout = 3 * time.Second

func (s state) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now := s.t.app.now()
	age := func(at time.Time) float64 {
		if at.IsZero() {
			return 0
		}
		return max(now.Sub(at).Seconds(), 0)
	}
	j := s.t.journal.Stats()
	gauge(descJournalBytes, float64(j.Bytes))
	gauge(descGap, float64(j.Unrecorded))
	gauge(descJournalOldest, age(j.OldestUnrecorded))
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	st := s.t.store.Load()
	if st == nil {
		gauge(descDatabase, 0)
		return
	}
	c, err := st.Counts(ctx, now)
	if err != nil {
		gauge(descDatabase, 0)
		return
	}
	tees, err := st.WaitingTees(ctx)
	if err != nil {
		gauge(descDatabase, 0)
		return
	}
	gauge(descDatabase, 1)
	for id, n := range tees {
		gauge(descTees, float64(n), id)
	}
	for id, n := range c.Ready {
		gauge(descReady, float64(n), id)
		gauge(descOldest, age(c.OldestAt[id]), id)
	}
	gauge(descUnmatched, float64(c.Unmatched))
	gauge(descUnsettled, float64(c.Unsettled))
	gauge(descBroken, float64(c.Broken))
}
