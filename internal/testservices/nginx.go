package testservices

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// StartNginx starts an nginx that sends requests to the upstreams in turn, each
// host:port. As is nginx's default, a request whose upstream is down goes to the
// next one unless its method may change something. nginx does not try an upstream
// that is down for one second; the default is ten. While no upstream answers, nginx
// answers with 502. It is stopped when the test ends.
func StartNginx(t testing.TB, upstreams ...string) *Server {
	t.Helper()
	s, err := newNginx(upstreams)
	return forTest(t, s, err)
}

func newNginx(upstreams []string) (*Server, error) {
	program, err := findProgram("nginx", "nginx")
	if err != nil {
		return nil, err
	}
	return newServer(program, askNginx, func(folder, port string) ([]string, error) {
		config := filepath.Join(folder, "nginx.conf")
		var servers strings.Builder
		for _, upstream := range upstreams {
			fmt.Fprintf(&servers, "    server %s max_fails=1 fail_timeout=1s;\n", upstream)
		}
		text := fmt.Sprintf(nginxConfig, servers.String(), port)
		return []string{"-p", folder, "-c", config, "-e", "stderr"}, writeFor(config, []byte(text))
	})
}

// nginxConfig is a format for the upstreams and the port. Paths are relative to the
// server's folder.
const nginxConfig = `daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid pid;
error_log stderr crit;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path client_body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  upstream app {
%s    keepalive 64;
  }
  server {
    listen 127.0.0.1:%s backlog=4096;
    location = /is-nginx-there { return 204; }
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`

// askNginx asks nginx for an answer of its own. If nginx tried an upstream that is
// not up yet, it would not try it again for a while.
func askNginx(address string) error {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + address + "/is-nginx-there")
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
