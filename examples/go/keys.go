package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

var errUnavailable = errors.New("the issuer's keys are not available")

var client = &http.Client{Timeout: 5 * time.Second}

// Keys are the issuer's: fetched again after five minutes, or for one that is not known, every ten seconds at most.
type Keys struct {
	uri              string
	mutex            sync.Mutex
	keys             map[string]jwk
	fetchedAt, tried time.Time
}

type jwk struct{ Kid, Kty, Alg, Crv, X, Y, N, E string }

// Discover asks the issuer where its keys are.
func Discover(issuer string) (*Keys, error) {
	var document struct {
		Issuer  string `json:"issuer"`
		JwksURI string `json:"jwks_uri"`
	}
	if err := fetch(issuer+"/.well-known/openid-configuration", &document); err != nil {
		return nil, err
	}
	if document.Issuer != issuer {
		return nil, fmt.Errorf("%s calls itself %s", issuer, document.Issuer)
	}
	return &Keys{uri: document.JwksURI}, nil
}

// Find gives the key that a token names: an access token (RFC 9068 §4), signed with the key's own algorithm.
func (k *Keys) Find(token *jwt.Token) (any, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	kid, _ := token.Header["kid"].(string)
	key, known := k.keys[kid]
	if (!known || time.Since(k.fetchedAt) > 5*time.Minute) && time.Since(k.tried) > 10*time.Second {
		k.refresh()
		key, known = k.keys[kid]
	}
	if time.Since(k.fetchedAt) > time.Hour {
		return nil, errUnavailable
	}
	if !known || token.Header["typ"] != "at+jwt" || token.Method.Alg() != key.Alg {
		return nil, errors.New("no access token by a key of the issuer")
	}
	return key.public()
}

func (k *Keys) refresh() {
	var set struct{ Keys []jwk }
	k.tried = time.Now()
	if err := fetch(k.uri, &set); err != nil {
		log.Printf("the issuer's keys could not be fetched: %v", err)
		return
	}
	k.fetchedAt, k.keys = k.tried, map[string]jwk{}
	for _, key := range set.Keys {
		k.keys[key.Kid] = key
	}
}

func fetch(url string, into any) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return json.NewDecoder(io.LimitReader(response.Body, 256<<10)).Decode(into)
}

// public is the key as the standard library has it (RFC 7518 §6, RFC 8037 §2).
func (k jwk) public() (any, error) {
	number := func(text string) *big.Int {
		bytes, _ := base64.RawURLEncoding.DecodeString(text)
		return new(big.Int).SetBytes(bytes)
	}
	switch {
	case k.Kty == "EC" && k.Crv == "P-256":
		key := &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(k.X), Y: number(k.Y)}
		if key.Curve.IsOnCurve(key.X, key.Y) {
			return key, nil
		}
	case k.Kty == "OKP" && k.Crv == "Ed25519":
		if key, err := base64.RawURLEncoding.DecodeString(k.X); err == nil && len(key) == ed25519.PublicKeySize {
			return ed25519.PublicKey(key), nil
		}
	case k.Kty == "RSA":
		if key := (&rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}); key.N.BitLen() >= 2048 && key.E > 2 {
			return key, nil
		}
	}
	return nil, errors.New("a key of another kind")
}
