package stores

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/tool/settings"
	"github.com/spotipie/spotipie/redisstore"
)

// Parameters of a redis:// address, in addition to those of the client.
const (
	clusterParameter          = "cluster"                // true: the hosts are nodes of a cluster
	masterParameter           = "master_name"            // the hosts are sentinels; their name for the server
	passwordFileParameter     = "password_file"          // of the user in the address
	sentinelUserParameter     = "sentinel_username"      // if the sentinels need one
	sentinelPasswordParameter = "sentinel_password_file" // of that user
	authorityParameter        = "tls_ca_file"            // of the server's certificate
	certificateParameter      = "tls_cert_file"          // of this client
	keyParameter              = "tls_key_file"           // of its certificate
)

func openRedis(s *settings.Settings) (spotipie.Store, func() error, error) {
	client, err := newRedisClient(s.Store.Value)
	if err != nil {
		return nil, nil, err
	}
	store, err := redisstore.New(client, nil)
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	return store, client.Close, nil
}

// newRedisClient returns a client for an address: of a server, of a cluster, or of
// the sentinels of a server.
func newRedisClient(address string) (redis.UniversalClient, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errRedisAddress("")
	}
	own := takeParameters(u)
	cluster, err := strconv.ParseBool(cmp.Or(own[clusterParameter], "false"))
	switch {
	case err != nil:
		return nil, errRedisAddress(clusterParameter + " must be true or false")
	case cluster && own[masterParameter] != "":
		return nil, errRedisAddress(clusterParameter + " and " + masterParameter + " cannot be used together: a cluster has no sentinels")
	case own[masterParameter] == "" && own[sentinelUserParameter]+own[sentinelPasswordParameter] != "":
		return nil, errRedisAddress(masterParameter + " is missing: it is the name of the server at the sentinels")
	}
	user, password, err := credentialsOf(u, own)
	if err != nil {
		return nil, err
	}
	secure, err := tlsConfigOf(u, own)
	if err != nil {
		return nil, err
	}
	logging.Disable() // errors are returned, so they need not be logged
	switch {
	case own[masterParameter] != "":
		return newSentinelClient(u, own, user, password, secure)
	case cluster:
		return newClusterClient(u, user, password, secure)
	}
	opts, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, errRedisAddress("")
	}
	opts.Username, opts.Password, opts.DialerRetries = user, password, 1 // each of MaxRetries dials again
	opts.TLSConfig = withFiles(opts.TLSConfig, secure)
	return redis.NewClient(opts), nil
}

func newClusterClient(u *url.URL, user, password string, secure *tls.Config) (redis.UniversalClient, error) {
	if strings.Trim(u.Path, "/0") != "" {
		return nil, errRedisAddress("a cluster has only database 0")
	}
	opts, err := redis.ParseClusterURL(u.String())
	if err != nil {
		return nil, errRedisAddress("")
	}
	opts.Username, opts.Password, opts.DialerRetries = user, password, 1
	opts.TLSConfig = ofEachHost(withFiles(opts.TLSConfig, secure))
	return redis.NewClusterClient(opts), nil
}

func newSentinelClient(u *url.URL, own map[string]string, user, password string, secure *tls.Config) (redis.UniversalClient, error) {
	sentinelPassword, err := readPassword(own[sentinelPasswordParameter])
	if err != nil {
		return nil, err
	}
	opts, err := redis.ParseFailoverURL(u.String())
	if err != nil || opts.Username+opts.Password != "" || opts.ReplicaOnly {
		return nil, errRedisAddress("")
	}
	opts.MasterName, opts.Username, opts.Password = own[masterParameter], user, password
	opts.SentinelUsername, opts.SentinelPassword = own[sentinelUserParameter], sentinelPassword
	opts.TLSConfig, opts.DialerRetries = ofEachHost(withFiles(opts.TLSConfig, secure)), 1
	return redis.NewFailoverClient(opts), nil
}

// takeParameters removes the tool's own parameters from an address and returns
// them.
func takeParameters(u *url.URL) map[string]string {
	query, own := u.Query(), make(map[string]string)
	for _, name := range []string{
		clusterParameter, masterParameter, passwordFileParameter, sentinelUserParameter, sentinelPasswordParameter,
		authorityParameter, certificateParameter, keyParameter,
	} {
		if query.Has(name) {
			own[name] = query.Get(name)
			query.Del(name)
		}
	}
	u.RawQuery = query.Encode()
	return own
}

// credentialsOf removes the user and the password from an address. The password
// may also come from the file that it names.
func credentialsOf(u *url.URL, own map[string]string) (user, password string, err error) {
	user = u.User.Username()
	password, has := u.User.Password()
	u.User = nil
	if file := own[passwordFileParameter]; file != "" {
		if has {
			return "", "", errRedisAddress("it has both a password and a " + passwordFileParameter)
		}
		password, err = readPassword(file)
	}
	return user, password, err
}

// readPassword returns the only line of a file, or nothing if file is empty.
func readPassword(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" || strings.ContainsAny(password, "\r\n") {
		return "", fmt.Errorf("%s: it must have the password in one line, and nothing else", file)
	}
	return password, nil
}

// tlsConfigOf returns the configuration of the TLS files that an address names, or
// nil if it names none.
func tlsConfigOf(u *url.URL, own map[string]string) (*tls.Config, error) {
	authority, certificate, key := own[authorityParameter], own[certificateParameter], own[keyParameter]
	switch {
	case authority+certificate+key == "":
		return nil, nil
	case u.Scheme != "rediss":
		return nil, errRedisAddress("the files for TLS need a rediss:// address")
	case (certificate == "") != (key == ""):
		return nil, errRedisAddress(certificateParameter + " and " + keyParameter + " must be used together")
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if authority != "" {
		text, err := os.ReadFile(authority)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate of the authority: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: no certificate in PEM", authority)
		}
	}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate of this client: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// withFiles adds the configuration from files to that of an address.
func withFiles(config, files *tls.Config) *tls.Config {
	if config == nil || files == nil {
		return config
	}
	files.ServerName, files.InsecureSkipVerify = config.ServerName, config.InsecureSkipVerify
	return files
}

// ofEachHost makes the client check each host's certificate for the name of that
// host.
func ofEachHost(config *tls.Config) *tls.Config {
	if config != nil {
		config.ServerName = ""
	}
	return config
}

// errRedisAddress says what is wrong with an address, without quoting it.
func errRedisAddress(problem string) error {
	if problem != "" {
		problem = ": " + problem
	}
	return fmt.Errorf("%w, such as redis://127.0.0.1:6379/0%s", errAddress, problem)
}
