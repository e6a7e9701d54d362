//go:build (dragonfly && cgo) || (freebsd && cgo) || linux || netbsd || openbsd

package keyringstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/godbus/dbus/v5"
)

// Names of the Secret Service
// (https://specifications.freedesktop.org/secret-service/latest/).
const (
	secretService     = "org.freedesktop.secrets"
	servicePath       = dbus.ObjectPath("/org/freedesktop/secrets")
	loginCollection   = servicePath + "/collection/login"
	defaultCollection = servicePath + "/aliases/default"
	serviceInterface  = "org.freedesktop.Secret.Service"
	promptInterface   = "org.freedesktop.Secret.Prompt"
	nothing           = dbus.ObjectPath("/")
)

// errLocked means that the user has not unlocked the keyring.
var errLocked = errors.New("the keyring stays locked")

// unlock asks the user to unlock the collection that go-keyring uses, if it is locked.
// go-keyring would ask too, but each of its prompts leaves goroutines behind on a
// connection that the whole process shares (version 0.2.8). unlock uses its own
// connection and closes it, which ends its goroutines.
func unlock(ctx context.Context) error {
	conn, err := dbus.ConnectSessionBus(dbus.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("connecting to the session bus: %w", err)
	}
	defer conn.Close()
	service := conn.Object(secretService, servicePath)
	collections, err := service.GetProperty(serviceInterface + ".Collections")
	if err != nil {
		return err
	}
	collection := defaultCollection
	if paths, ok := collections.Value().([]dbus.ObjectPath); ok && slices.Contains(paths, loginCollection) {
		collection = loginCollection
	}
	var unlocked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err = service.CallWithContext(ctx, serviceInterface+".Unlock", 0, []dbus.ObjectPath{collection}).Store(&unlocked, &prompt)
	if err != nil || prompt == nothing {
		return err
	}
	return awaitPrompt(ctx, conn, prompt)
}

// awaitPrompt shows a prompt to the user until it is answered.
func awaitPrompt(ctx context.Context, conn *dbus.Conn, prompt dbus.ObjectPath) error {
	if err := conn.AddMatchSignalContext(ctx, dbus.WithMatchObjectPath(prompt), dbus.WithMatchInterface(promptInterface)); err != nil {
		return err
	}
	signals := make(chan *dbus.Signal, 10)
	conn.Signal(signals)
	if err := conn.Object(secretService, prompt).CallWithContext(ctx, promptInterface+".Prompt", 0, "").Err; err != nil {
		return err
	}
	for {
		select {
		case signal, ok := <-signals:
			if !ok {
				return dbus.ErrClosed
			}
			if signal.Path != prompt || signal.Name != promptInterface+".Completed" || len(signal.Body) == 0 {
				continue
			}
			if dismissed, _ := signal.Body[0].(bool); dismissed {
				return errLocked
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
