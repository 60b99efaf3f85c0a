// A real SMTP server for the tests of mail: STARTTLS, implicit TLS, accounts, and a folder with
// every message it took. Recipients called refused@… and later@… are turned away.
package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const user = "nalabo"

type message struct {
	Port string   `json:"port"`
	User string   `json:"user"`
	TLS  bool     `json:"tls"`
	From string   `json:"from"`
	To   []string `json:"to"`
	Data string   `json:"data"`
}

type backend struct {
	port     string
	folder   string
	password string
	taken    *atomic.Int64
}

type session struct {
	backend
	connection *smtp.Conn
	message    message
}

func (b backend) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{backend: b, connection: c}, nil
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, password string) error {
		if name != user || password != s.password {
			return smtp.ErrAuthFailed
		}
		s.message.User = name
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	// The plain port is a relay on the same machine, which asks nobody who they are.
	if s.port != "plain" && s.message.User == "" {
		return smtp.ErrAuthRequired
	}
	s.message.From = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch {
	case strings.HasPrefix(to, "refused@"):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user here"}
	case strings.HasPrefix(to, "later@"):
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Try again later"}
	}
	s.message.To = append(s.message.To, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, encrypted := s.connection.TLSConnectionState()
	s.message.Port, s.message.TLS, s.message.Data = s.port, encrypted, string(data)
	text, err := json.Marshal(s.message)
	if err != nil {
		return err
	}
	name := filepath.Join(s.folder, fmt.Sprintf("%06d.json", s.taken.Add(1)))
	if err := os.WriteFile(name+".next", text, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".next", name)
}

func (s *session) Reset() { s.message.From, s.message.To, s.message.Data = "", nil, "" }

func (s *session) Logout() error { return nil }

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: smtp FOLDER CERTIFICATE KEY, with SMTP_PASSWORD set")
	}
	folder := os.Args[1]
	pair, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	addresses := map[string]string{}
	failed := make(chan error)
	var taken atomic.Int64
	for _, port := range []string{"starttls", "tls", "plain"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		addresses[port] = listener.Addr().String()
		server := smtp.NewServer(backend{port, folder, os.Getenv("SMTP_PASSWORD"), &taken})
		server.Domain = "localhost"
		server.ReadTimeout, server.WriteTimeout = 30*time.Second, 30*time.Second
		server.MaxMessageBytes, server.MaxRecipients = 1<<20, 50
		switch port {
		case "starttls":
			server.TLSConfig = config
		case "tls":
			listener = tls.NewListener(listener, config)
		}
		go func() { failed <- server.Serve(listener) }()
	}
	text, err := json.Marshal(addresses)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "addresses.next"), text, 0o600)
	}
	if err == nil {
		err = os.Rename(filepath.Join(folder, "addresses.next"), filepath.Join(folder, "addresses"))
	}
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(<-failed)
}
