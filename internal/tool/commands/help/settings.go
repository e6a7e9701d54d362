package help

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie/internal/tool/settings"
)

// NewSettings returns the help topic that 'spotipie help settings' shows.
func NewSettings() *cobra.Command {
	return &cobra.Command{
		Use:   "settings",
		Short: "Where the commands get their settings from",
		Long: `Each setting comes from the first of these places that has it:

  1. its flag
  2. its environment variable
  3. the profile, in the config file
  4. the top of the config file
  5. the default

  Flag                  Variable                Config file
  --profile             SPOTIPIE_PROFILE        profile
  --store               SPOTIPIE_STORE          store
  --allow-exposed-store SPOTIPIE_ALLOW_EXPOSED_STORE
                                                allow_exposed_store
  --client-id           SPOTIPIE_CLIENT_ID      client_id
  --client-secret-file  SPOTIPIE_CLIENT_SECRET  client_secret
  --redirect-uri        SPOTIPIE_REDIRECT_URI   redirect_uri
  --accounts-url        SPOTIPIE_ACCOUNTS_URL   accounts_url
  --api-url             SPOTIPIE_API_URL        api_url
  --allow-plain-http    SPOTIPIE_ALLOW_PLAIN_HTTP
                                                allow_plain_http
  login --flow                                  flow

` + settingsTexts() + `
With --env-prefix SPOTIFY the variables are SPOTIFY_CLIENT_ID and so on. There
is no flag for the client secret itself, because other users can see command
lines.

SPOTIPIE_CLIENT_SECRET_FILE and SPOTIPIE_STORE_FILE name files with the secret
and with the store's address, as Docker and Kubernetes provide secrets. Such a
file has one line of at most 4096 bytes. Set only one of the two variables.

The two URLs belong together: if you set an accounts service, its Web API is at
the same URL unless you set that one too, in the same place or a higher one.
Both must be https, or on this machine. For a service in a private network, such
as another container, use --allow-plain-http.

The config file is spotipie/config.json in the user's config folder (on Linux
$XDG_CONFIG_HOME or ~/.config). It is a JSON object such as

  {
    "profile": "work",
    "client_id": "0123456789abcdef0123456789abcdef",
    "profiles": {
      "work": {"flow": "client_credentials", "store": "keyring:"}
    }
  }

'spotipie login' writes the settings that it used into the profile, except for
the client secret and a store's password; "confidential" and "store_password"
say that there was one. If you put a secret or a password into the file, it must
be private (chmod 600).

Stores:
  file:DIR      files that only you can read; DIR is optional, and in the
                config file it is relative to that file's folder
  keyring:      files encrypted with a key from the system's keyring
  redis://…     redis://USER:PASSWORD@HOST:PORT/DB, or rediss:// for TLS
  postgres://…  postgres://USER:PASSWORD@HOST/DATABASE; the table is made if
                it is missing. Of several hosts (HOST,HOST) the one that takes
                writes is used

After a redis address, ?NAME=VALUE&NAME=VALUE sets

  password_file  a file with the password, instead of one in the address
  tls_ca_file    the certificate of the authority that signed the server's
  tls_cert_file  this program's certificate, and tls_key_file its key
  cluster=true   the server is one of a cluster; addr=HOST:PORT names another
  master_name    the server is a sentinel; this is its name for the server with
                 the logins; addr=HOST:PORT names another sentinel. Sentinels
                 with passwords need sentinel_username, sentinel_password_file`,
	}
}

// settingsTexts describes each setting.
func settingsTexts() string {
	cmd := &cobra.Command{}
	cmd.PersistentFlags().SortFlags = false
	settings.AddFlags(cmd)
	_, shared := splitFlags(cmd.PersistentFlags())
	return strings.TrimRight(shared.FlagUsagesWrapped(Width), "\n") + "\n"
}
