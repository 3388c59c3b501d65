// A resource server behind Orgate: GET /orgs/{org}/notes, for tokens of {org} alone.
package main

import (
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

const leeway = 30 * time.Second

var issuer, audience = env("ORGATE_ISSUER", "http://localhost:8080"), env("ORGATE_AUDIENCE", "notes")

func env(name, otherwise string) string {
	if value, set := os.LookupEnv(name); set {
		return value
	}
	return otherwise
}

// Claims are those of an access token. Without `sid`, a machine acts: its subject is the client.
type Claims struct {
	jwt.RegisteredClaims
	ClientID    string          `json:"client_id"`
	OrgID       string          `json:"org_id"`
	OrgName     string          `json:"org_name"`
	Permissions []string        `json:"permissions"`
	Cnf         json.RawMessage `json:"cnf"`
}

// Valid is asked by the parser, after the signature. Everything that is required is required here.
func (c Claims) Valid() error {
	switch now := time.Now(); {
	case !c.VerifyIssuer(issuer, true), !c.VerifyAudience(audience, true):
		return errors.New("from another issuer, or for another audience")
	case !c.VerifyExpiresAt(now.Add(-leeway), true), !c.VerifyIssuedAt(now.Add(leeway), true),
		!c.VerifyNotBefore(now.Add(leeway), false):
		return errors.New("out of its time")
	case c.Subject == "", c.ClientID == "", c.ID == "", c.OrgID == "", c.OrgName == "":
		return errors.New("a claim is missing")
	case c.Cnf != nil: // bound to a key of the client's, whose proof is not checked here (RFC 9449 §7.2)
		return errors.New("bound to a key")
	}
	return nil
}

// isIn compares what begins like an id with the id alone, or a slug could pose as one.
func (c Claims) isIn(organization string) bool {
	if strings.HasPrefix(strings.ToLower(organization), "org_") {
		return organization == c.OrgID
	}
	return organization == c.OrgName
}

func (c Claims) may(permission string) bool {
	return strings.Contains(" "+strings.Join(c.Permissions, " ")+" ", " "+permission+" ")
}

var parser = jwt.NewParser(jwt.WithValidMethods([]string{"ES256", "RS256", "PS256", "EdDSA"}))

// authenticate gives the claims of the request's token, or answers why not.
func authenticate(w http.ResponseWriter, r *http.Request, keys *Keys) *Claims {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		refuse(w, http.StatusUnauthorized, "Bearer")
		return nil
	}
	var claims Claims
	_, err := parser.ParseWithClaims(token, &claims, keys.Find)
	if err == nil {
		return &claims
	} else if errors.Is(err, errUnavailable) {
		refuse(w, http.StatusServiceUnavailable, "")
	} else {
		refuse(w, http.StatusUnauthorized, `Bearer error="invalid_token"`)
	}
	return nil
}

func refuse(w http.ResponseWriter, status int, challenge string) {
	if challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	http.Error(w, http.StatusText(status), status)
}

func main() {
	keys, err := Discover(issuer)
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/orgs/", func(w http.ResponseWriter, r *http.Request) {
		path := strings.Split(r.URL.Path, "/") // "", "orgs", the organization, "notes"
		if r.Method != http.MethodGet || len(path) != 4 || path[3] != "notes" {
			refuse(w, http.StatusNotFound, "")
		} else if claims := authenticate(w, r, keys); claims == nil {
			return
		} else if !claims.isIn(path[2]) {
			refuse(w, http.StatusForbidden, "")
		} else if !claims.may("notes:read") {
			refuse(w, http.StatusForbidden, `Bearer error="insufficient_scope"`)
		} else { // Query by the token's OrgID, never by what the request says.
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"org_id": claims.OrgID, "sub": claims.Subject, "notes": []string{}})
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+env("PORT", "3000"))
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
