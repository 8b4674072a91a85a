package sandbox

import (
	"net/http"
	"time"
)

const everflowIndex = `
Everflow's affiliate API
  base_url %[1]s` + EverflowAPIPath + `, key ` + EverflowAPIKey + `
  POST /affiliates/reporting/conversions, GET /affiliates/reporting/clicks/ID, /affiliates/pixels
  its books are what it is told:
  GET  /_sandbox/everflow/totals     what they come to
  POST /_sandbox/everflow/convert    {"transaction_id":"t1","conversion_id":"c1","payout":"30","status":"approved"}
  POST /_sandbox/everflow/lose       {"conversions":3}  the next postbacks get lost
  POST /_sandbox/everflow/flip       {"conversions":3,"status":"rejected"}
  POST /_sandbox/everflow/drift      {"conversions":3,"by":"-0.50"}
  POST /_sandbox/everflow/fail       {"mode":"throttled","requests":3}; DELETE ends it
  GET  /_sandbox/everflow/pixels     the postbacks; PUT sets them, POST read_only {"on":true} forbids changes
`

// everflowConversion is a conversion as a switch gives it.
type everflowConversion struct {
	TransactionID string `json:"transaction_id"`
	ConversionID  string `json:"conversion_id"`
	OfferID       string `json:"offer_id"`
	OrderID       string `json:"order_id"`
	Event         string `json:"event"`
	Payout        string `json:"payout"`
	SaleAmount    string `json:"sale_amount"`
	Status        string `json:"status"`
	Sub5          string `json:"sub5"`
	// AgoSeconds is how long before now it happened.
	AgoSeconds int64 `json:"ago_seconds"`
}

func (c everflowConversion) conversion() Conversion {
	out := Conversion{
		Type: TypeConversion, TransactionID: c.TransactionID, ConversionID: c.ConversionID, OfferID: c.OfferID, OrderID: c.OrderID,
		EventName: c.Event, Payout: c.Payout, SaleAmount: c.SaleAmount, Status: c.Status,
	}
	out.Sub[4] = c.Sub5
	return out
}

// control adds the switches.
func (e *EverflowAPI) control(mux *http.ServeMux) {
	const below = "/_sandbox/everflow/"
	mux.HandleFunc("GET "+below+"totals", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, e.Totals()) })
	mux.HandleFunc("GET "+below+"pixels", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, e.Pixels()) })
	mux.HandleFunc("DELETE "+below+"fail", func(w http.ResponseWriter, _ *http.Request) {
		e.Clear()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST "+below+"convert", func(w http.ResponseWriter, r *http.Request) {
		var c everflowConversion
		switched(w, r, &c, func() (any, error) {
			at := e.now().Add(-time.Duration(c.AgoSeconds) * time.Second)
			fires, err := e.Convert(c.conversion(), at, at.Add(-time.Minute))
			return map[string]bool{"fires": fires}, err
		})
	})
	var change struct {
		Conversions int    `json:"conversions"`
		Status      string `json:"status"`
		By          string `json:"by"`
	}
	for name, fn := range map[string]func(n int, status, by string) (int, error){
		"lose":  func(n int, _, _ string) (int, error) { e.Lose(n); return n, nil },
		"flip":  func(n int, status, _ string) (int, error) { return e.Flip(n, status), nil },
		"drift": func(n int, _, by string) (int, error) { return e.Drift(n, by) },
	} {
		mux.HandleFunc("POST "+below+name, func(w http.ResponseWriter, r *http.Request) {
			c := change
			switched(w, r, &c, func() (any, error) {
				n, err := fn(c.Conversions, c.Status, c.By)
				return map[string]int{"conversions": n}, err
			})
		})
	}
	mux.HandleFunc("POST "+below+"fail", func(w http.ResponseWriter, r *http.Request) {
		var f struct {
			Mode     EverflowFault `json:"mode"`
			Requests int           `json:"requests"`
		}
		switched(w, r, &f, func() (any, error) { return f, e.Fail(f.Mode, f.Requests) })
	})
	mux.HandleFunc("PUT "+below+"pixels", func(w http.ResponseWriter, r *http.Request) {
		var pixels []EverflowPixel
		switched(w, r, &pixels, func() (any, error) { e.Install(pixels...); return pixels, nil })
	})
	mux.HandleFunc("POST "+below+"read_only", func(w http.ResponseWriter, r *http.Request) {
		var s struct {
			On bool `json:"on"`
		}
		switched(w, r, &s, func() (any, error) { e.ReadOnly(s.On); return s, nil })
	})
}

// switched reads a switch and answers what it did.
func switched(w http.ResponseWriter, r *http.Request, body any, fn func() (any, error)) {
	err := readControl(w, r, body)
	var done any
	if err == nil {
		done, err = fn()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, done)
}
