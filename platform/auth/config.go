package auth

import (
	"errors"
	"fmt"
	"regexp"

	"anihub/platform/config"
)

// Config is platform.auth. A secret that is not set is generated once into the
// data directory.
type Config struct {
	JWTSecret                 config.Secret  `yaml:"jwt_secret"`
	PreviousJWTSecret         config.Secret  `yaml:"previous_jwt_secret"`
	InternalJWTSecret         config.Secret  `yaml:"internal_jwt_secret"`
	PreviousInternalJWTSecret config.Secret  `yaml:"previous_internal_jwt_secret"`
	AllowedServices           []string       `yaml:"allowed_services"`
	Password                  PasswordConfig `yaml:"password"`
}

// DefaultConfig generates the secrets and lets AniHub's own modules and admins in.
func DefaultConfig() Config {
	return Config{
		AllowedServices: []string{"admin", "anihub", "users", "catalog", "sync", "realtime"},
		Password:        PasswordConfig{MemoryKiB: 19 << 10, Iterations: 2, Parallelism: 1, AtOnce: 4, Queue: 16},
	}
}

// Validate names what cannot be, by its path.
func (c Config) Validate() error {
	return errors.Join(c.validateSecrets(), c.validateServices(), c.Password.validate())
}

func (c Config) validateSecrets() error {
	var errs []error
	user := map[config.Secret]bool{c.JWTSecret: true, c.PreviousJWTSecret: true}
	for _, s := range []config.Secret{c.InternalJWTSecret, c.PreviousInternalJWTSecret} {
		if s != "" && user[s] {
			errs = append(errs, errors.New("internal_jwt_secret: must differ from jwt_secret: a user's token must be worth nothing between services"))
		}
	}
	if c.PreviousJWTSecret != "" && c.JWTSecret == "" {
		errs = append(errs, errors.New("previous_jwt_secret: is of no use without jwt_secret"))
	}
	if c.PreviousInternalJWTSecret != "" && c.InternalJWTSecret == "" {
		errs = append(errs, errors.New("previous_internal_jwt_secret: is of no use without internal_jwt_secret"))
	}
	return errors.Join(errs...)
}

var serviceName = regexp.MustCompile(`^[a-z][a-z0-9._-]{0,63}$`)

func (c Config) validateServices() error {
	if len(c.AllowedServices) == 0 {
		return errors.New("allowed_services: must name at least one service")
	}
	for _, s := range c.AllowedServices {
		if !serviceName.MatchString(s) {
			return fmt.Errorf("allowed_services: %q is no name of a service: small letters, digits, dots, dashes", s)
		}
	}
	return nil
}

func (c PasswordConfig) validate() error {
	var errs []error
	within := func(key string, n, low, high int) {
		if n < low || n > high {
			errs = append(errs, fmt.Errorf("password.%s: must be %d to %d, is %d", key, low, high, n))
		}
	}
	within("memory_kib", c.MemoryKiB, 7<<10, maxMemory)
	within("iterations", c.Iterations, 1, maxIterations)
	within("parallelism", c.Parallelism, 1, 16)
	within("at_once", c.AtOnce, 1, 64)
	within("queue", c.Queue, 0, 1000)
	return errors.Join(errs...)
}

// Production names each secret that production must not start with: one that is
// missing or weak. Previous secrets may be missing.
func (c Config) Production() error {
	var errs []error
	for _, s := range []struct {
		key      string
		value    config.Secret
		optional bool
	}{
		{"jwt_secret", c.JWTSecret, false},
		{"previous_jwt_secret", c.PreviousJWTSecret, true},
		{"internal_jwt_secret", c.InternalJWTSecret, false},
		{"previous_internal_jwt_secret", c.PreviousInternalJWTSecret, true},
	} {
		reason, weak := Weak(s.value.Reveal())
		if weak && (!s.optional || s.value != "") {
			errs = append(errs, fmt.Errorf("%s: %s; production needs at least %d random bytes (openssl rand -base64 48)", s.key, reason, MinSecretBytes))
		}
	}
	return errors.Join(errs...)
}

// Auth is what the configuration opens.
type Auth struct {
	Users     *Users
	Services  *Services
	Passwords *Passwords
}

// Open reads the secrets, or makes those that are not configured in dataDir.
func Open(cfg Config, dataDir string) (*Auth, error) {
	users, err := openKeys(cfg.JWTSecret, cfg.PreviousJWTSecret, dataDir, "jwt_secret")
	if err != nil {
		return nil, err
	}
	services, err := openKeys(cfg.InternalJWTSecret, cfg.PreviousInternalJWTSecret, dataDir, "internal_jwt_secret")
	if err != nil {
		return nil, err
	}
	if users.current.ID == services.current.ID {
		return nil, fmt.Errorf("the secrets of users and of services in %s are the same: delete one", dataDir)
	}
	return &Auth{NewUsers(users), NewServices(services, cfg.AllowedServices), NewPasswords(cfg.Password)}, nil
}

func openKeys(secret, previous config.Secret, dir, name string) (*Keys, error) {
	current := []byte(secret.Reveal())
	if secret == "" {
		var err error
		if current, err = LoadOrCreate(dir, name); err != nil {
			return nil, err
		}
	}
	return NewKeys(NewKey(current), NewKey([]byte(previous.Reveal())))
}
