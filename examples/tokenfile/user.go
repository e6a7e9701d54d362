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

// restore takes the token from the file, or else from the user.
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

// signIn has the user visit the authorization URL and paste what came of it.
func signIn(ctx context.Context, session *spotipie.AuthorizationCodeSession) error {
	authorizationURL, _, err := session.AuthorizationURL(nil)
	if err != nil {
		return err
	}
	fmt.Println("Open this in your browser:", authorizationURL)
	fmt.Println("Then paste the address it was sent to:")
	pasted := bufio.NewScanner(os.Stdin)
	if !pasted.Scan() {
		return errors.Join(errors.New("no address was pasted"), pasted.Err())
	}
	_, err = session.FetchToken(ctx, pasted.Text())
	return err
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
