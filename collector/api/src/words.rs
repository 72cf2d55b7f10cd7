//! Enums whose unknown words survive: an older program keeps and shows what a newer one sent.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A word this version does not know, kept as it came.
            Other(Box<str>),
        }

        impl $name {
            /// Every word this version knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it stands on the wire, in SQL, in HTML and in logs.
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $word,)+ Self::Other(word) => word }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word { $($word => Self::$variant,)+ other => Self::Other(other.into()) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.as_str()) }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(Cow::<'de, str>::deserialize(deserializer)?.as_ref()))
            }
        }
    };
}

words! {
    /// How a sighting is known.
    Channel {
        /// A DNS query.
        Dns = "dns",
        /// A TLS or DTLS ClientHello.
        Tls = "tls",
        /// A QUIC ClientHello.
        Quic = "quic",
        /// An HTTP Host header or proxy authority.
        Http = "http",
        /// A package of the system or of a language (dpkg, rpm, pip, npm …).
        Package = "package",
        /// An installed desktop application.
        App = "app",
        /// A browser or editor extension.
        Extension = "extension",
        /// An order of the organisation to its machines, such as an extension that browsers are told to install.
        Policy = "policy",
        /// An entry of an MCP client's configuration.
        McpConfig = "mcp-config",
        /// A project manifest, lock file or instruction file.
        Manifest = "manifest",
        /// A model in a local model store.
        ModelFile = "model-file",
        /// A local inference server.
        Runtime = "runtime",
        /// A container or container image.
        Container = "container",
        /// A running process.
        Process = "process",
        /// The account a tool is signed in with (domain only).
        Account = "account",
        /// A variable of the environment that holds a key, by its name.
        Environment = "environment",
        /// A line of an imported log.
        Log = "log",
    }
}

words! {
    /// A risk that a scan saw in a configuration. The fact only, never a value.
    RiskFlag {
        /// The assistant may act without asking.
        ApprovalBypass = "approval-bypass",
        /// A remote package is run without a pinned version.
        UnpinnedPackage = "unpinned-package",
        /// The configured command is a shell.
        Shell = "shell",
        /// A file server is given the root of the file system or a whole home.
        FilesystemRoot = "filesystem-root",
        /// A secret stands in the configuration in plain text.
        PlainTextSecret = "plain-text-secret",
        /// The endpoint is reached without encryption.
        PlainHttp = "plain-http",
        /// The extension was loaded from a folder, not from a store.
        Unpacked = "unpacked",
        /// The assistant is not held back by a sandbox that it would have.
        SandboxOff = "sandbox-off",
        /// The tool is told to talk to another endpoint than its vendor's.
        CustomEndpoint = "custom-endpoint",
        /// The tool is signed in with an account of a provider of private mail.
        PersonalAccount = "personal-account",
    }
}

words! {
    /// What an assistant was given beyond itself, or a server has.
    PartKind {
        /// Instructions for a kind of work, in a folder of their own.
        Skill = "skill",
        /// A plugin.
        Plugin = "plugin",
        /// An event upon which the assistant runs a command.
        Hook = "hook",
        /// An assistant that the assistant may give work to.
        Subagent = "subagent",
        /// A command that a person may call.
        Command = "command",
        /// A model that a server says it has.
        Model = "model",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_word_reads_back_as_itself() {
        for channel in Channel::KNOWN {
            assert_eq!(&Channel::from(channel.as_str()), channel);
        }
        for flag in RiskFlag::KNOWN {
            assert_eq!(&RiskFlag::from(flag.as_str()), flag);
        }
    }

    #[test]
    fn an_unknown_word_is_kept_as_text() {
        let channel: Channel = serde_json::from_str("\"telepathy\"").unwrap();
        assert_eq!(channel, Channel::Other("telepathy".into()));
        assert_eq!(serde_json::to_string(&channel).unwrap(), "\"telepathy\"");
    }
}
