package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spotipie/spotipie"
)

// restore reads the token from the file, or gets one from the user.
func restore(ctx context.Context, session *spotipie.AuthorizationCodeSession, path string) error {
	token, err := spotipie.ReadTokenFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return signIn(ctx, session)
	case err != nil:
		return err
	}
	return session.SetToken(ctx, token)
}

// signIn asks the user to visit the authorization URL and to paste the callback
// URL.
func signIn(ctx context.Context, session *spotipie.AuthorizationCodeSession) error {
	authorizationURL, _, err := session.AuthorizationURL(nil)
	if err != nil {
		return err
	}
	fmt.Println("Open this in your browser:", authorizationURL)
	fmt.Println("Then paste the address it was sent to:")
	address, err := readLine(ctx)
	if err != nil {
		return err
	}
	_, err = session.FetchToken(ctx, address)
	return err
}

// readLine reads a line. It stops at Ctrl-C.
func readLine(ctx context.Context) (string, error) {
	lines := make(chan string, 1)
	go func() {
		defer close(lines)
		if input := bufio.NewScanner(os.Stdin); input.Scan() {
			lines <- input.Text()
		}
	}()
	select {
	case line, ok := <-lines:
		if !ok {
			return "", errors.New("no address was pasted")
		}
		return line, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func sayHello(ctx context.Context, session spotipie.Session) error {
	resp, err := session.Request(ctx, "GET", "/v1/me", nil)
	if errors.Is(err, spotipie.ErrReauthorizationRequired) {
		return fmt.Errorf("%w (delete the token file and start again)", err)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := spotipie.CheckResponse(resp); err != nil {
		return err
	}
	var me struct {
		Name string `json:"display_name"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&me); err != nil {
		return fmt.Errorf("reading the profile: %w", err)
	}
	fmt.Printf("Hello, %s!\n", me.Name)
	return nil
}
