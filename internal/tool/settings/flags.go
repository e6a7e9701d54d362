package settings

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/spotipie/spotipie"
	"github.com/spotipie/spotipie/internal/config"
	"github.com/spotipie/spotipie/login"
)

// AddFlags adds the flags that Read reads. The help shows them in a separate
// section.
func AddFlags(cmd *cobra.Command) {
	addFlag(cmd, "profile", "`NAME` of the authorization to use, which you choose (default: default)")
	_ = cmd.RegisterFlagCompletionFunc("profile", CompleteProfiles)
	AddAppFlags(cmd)
}

// AddAppFlags adds the same flags without --profile, for commands that take
// profiles as arguments.
func AddAppFlags(cmd *cobra.Command) {
	addFlag(cmd, "store", "`STORE` that it is in: file:DIR, keyring:, redis://… or postgres://…\n(default: file: with the config folder)")
	_ = cmd.RegisterFlagCompletionFunc("store", CompleteStores)
	addExposedFlag(cmd)
	addFlag(cmd, "client-id", "`ID` of the app")
	addFlag(cmd, "client-secret-file", "`FILE` with the app's client secret; - is stdin")
	addFlag(cmd, "redirect-uri", "`URI` that the app has registered\n(default: "+login.DefaultRedirectURI+")")
	addFlag(cmd, "accounts-url", "`URL` of the accounts service\n(default: "+spotipie.DefaultAccountsURL+")")
	addFlag(cmd, "api-url", "`URL` of the Web API (default: that of the accounts service,\nand of Spotify's "+spotipie.DefaultAPIURL+")")
	addBoolFlag(cmd, "allow-plain-http", "send secrets over the network by http; only for private networks")
	addPrefixFlag(cmd)
	addBoolFlag(cmd, "debug", "show the requests on stderr, without secrets")
}

// AddStoreFlags adds the flags for every store, for commands that take stores
// as arguments.
func AddStoreFlags(cmd *cobra.Command) {
	addExposedFlag(cmd)
	addPrefixFlag(cmd)
}

func addExposedFlag(cmd *cobra.Command) {
	addBoolFlag(cmd, "allow-exposed-store", "use files that other users can access, as with a Kubernetes fsGroup")
}

func addPrefixFlag(cmd *cobra.Command) {
	addFlag(cmd, "env-prefix", "`PREFIX` of the environment variables (default: "+spotipie.DefaultEnvPrefix+")")
}

// Annotation marks the flags that the help shows as settings.
const Annotation = "spotipie_setting"

func addFlag(cmd *cobra.Command, name, text string) {
	cmd.PersistentFlags().String(name, "", text)
	_ = cmd.PersistentFlags().SetAnnotation(name, Annotation, nil)
}

func addBoolFlag(cmd *cobra.Command, name, text string) {
	cmd.PersistentFlags().Bool(name, false, text)
	_ = cmd.PersistentFlags().SetAnnotation(name, Annotation, nil)
}

// CompleteProfiles completes the profiles in the config file.
func CompleteProfiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	path, err := config.DefaultPath()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	file, err := config.Read(path)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Keys(file.Profiles)), cobra.ShellCompDirectiveNoFileComp
}

// CompleteStores completes the kinds of store.
func CompleteStores(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{
		cobra.CompletionWithDesc("file:", "files in a folder"),
		cobra.CompletionWithDesc("keyring:", "files encrypted with a key from the system's keyring"),
		cobra.CompletionWithDesc("redis://", "Redis"),
		cobra.CompletionWithDesc("postgres://", "PostgreSQL"),
	}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
