package seal_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/seal"
)

// serviceKeys are keys in a key management service. Requests go over HTTP, and the keys
// never leave the service.
type serviceKeys struct {
	client *http.Client
	url    string
	seals  string // the name of the key that encrypts
}

// Wrap implements [seal.Keys].
func (k serviceKeys) Wrap(ctx context.Context, dataKey []byte) (string, []byte, error) {
	wrapped, err := k.ask(ctx, k.seals, "encrypt", dataKey)
	return k.seals, wrapped, err
}

// Unwrap implements [seal.Keys].
func (k serviceKeys) Unwrap(ctx context.Context, name string, wrapped []byte) ([]byte, error) {
	return k.ask(ctx, name, "decrypt", wrapped)
}

func (k serviceKeys) ask(ctx context.Context, key, operation string, data []byte) ([]byte, error) {
	address := k.url + "/keys/" + url.PathEscape(key) + "/" + operation
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	response, err := k.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return io.ReadAll(io.LimitReader(response.Body, 1<<10))
	case http.StatusNotFound:
		return nil, seal.ErrUnknownKey
	case http.StatusUnprocessableEntity:
		return nil, seal.ErrDamaged
	}
	return nil, fmt.Errorf("the key service answers %s", response.Status)
}

// keyService is a small key management service: it encrypts with AES-256-GCM.
type keyService struct {
	mu   sync.Mutex
	keys map[string]cipher.AEAD
}

// makeKey makes a key. It replaces a key of the same name.
func (s *keyService) makeKey(name string) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	block, err := aes.NewCipher(secret)
	if err != nil {
		panic(err)
	}
	key, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = make(map[string]cipher.AEAD)
	}
	s.keys[name] = key
}

// ServeHTTP answers POST /keys/NAME/encrypt and /keys/NAME/decrypt.
func (s *keyService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /keys/{name}/encrypt", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, r, func(key cipher.AEAD, data []byte) ([]byte, error) { return key.Seal(nil, nil, data, nil), nil })
	})
	mux.HandleFunc("POST /keys/{name}/decrypt", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, r, func(key cipher.AEAD, data []byte) ([]byte, error) { return key.Open(nil, nil, data, nil) })
	})
	mux.ServeHTTP(w, r)
}

func (s *keyService) answer(w http.ResponseWriter, r *http.Request, do func(key cipher.AEAD, data []byte) ([]byte, error)) {
	s.mu.Lock()
	key := s.keys[r.PathValue("name")]
	s.mu.Unlock()
	if key == nil {
		http.NotFound(w, r)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<10))
	if err == nil {
		data, err = do(key, data)
	}
	if err != nil {
		http.Error(w, "this was not encrypted with the key", http.StatusUnprocessableEntity)
		return
	}
	_, _ = w.Write(data)
}

// Two methods are enough to use a key management service. The store calls it once for
// each save, and caches the data keys that it has decrypted.
func ExampleKeys() {
	ctx := context.Background()
	service := &keyService{}
	service.makeKey("spotify-1")
	server := httptest.NewTLSServer(service)
	defer server.Close()

	database := spotipie.NewMemoryStore() // or any other store
	store, err := seal.New(database, serviceKeys{server.Client(), server.URL, "spotify-1"}, nil)
	if err != nil {
		panic(err)
	}
	token, err := spotipie.ParseTokenJSON([]byte(`{"access_token": "BQC", "expires_in": 3600}`))
	if err != nil {
		panic(err)
	}
	key := spotipie.Key{ClientID: "my-app", Profile: "ada"}
	if _, err := store.Swap(ctx, key, 0, spotipie.Record{Token: token, ClientID: "my-app"}); err != nil {
		panic(err)
	}
	inside, _, _ := database.Load(ctx, key)
	fmt.Println("in the database: a token:", inside.Token != nil, "sealed with", inside.Sealed.Key)
	opened, _, _ := store.Load(ctx, key)
	fmt.Println("through the store:", opened.Token.AccessToken())
	// Output:
	// in the database: a token: false sealed with spotify-1
	// through the store: BQC
}
