// A receiver on Go's net/http and encoding/json. Reads PORT and API_KEY.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"sync"
	"time"
)

type notification struct {
	EventID        string    `json:"eventId"`
	EventType      string    `json:"eventType"`
	EventTimestamp time.Time `json:"eventTimestamp"`
	RfpID          string    `json:"rfpId"`
	SupplierID     string    `json:"supplierId"`
	Reason         string    `json:"reason"`
	AttachmentIDs  []string  `json:"attachmentIds"`
}

var (
	mutex  sync.Mutex
	events = map[string]notification{}
)

func receive(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	if r.Header.Get("Authorization") != "api_key "+os.Getenv("API_KEY") {
		http.Error(w, "wrong key", http.StatusUnauthorized)
		return
	}
	var n notification
	if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	mutex.Lock()
	events[n.EventID] = n
	mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Write([]byte(`{"received":true}`))
}

func main() {
	http.HandleFunc("/pns", receive)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
