//! Names that belong to many: what a rule on them would say, it would say of everybody.

use psl::{Psl, Type};

use crate::catalogue::IndicatorKind;
use crate::pattern::Refusal;

/// Whether a pattern stands on a name that one product can have for itself.
pub(crate) fn check(kind: IndicatorKind, pattern: &str) -> Result<(), Refusal> {
    let known = || psl::List.suffix(pattern.as_bytes()).is_none_or(|suffix| suffix.is_known());
    if kind != IndicatorKind::Glob && !known() {
        let message = format!("`{pattern}` ends in no top-level domain there is");
        return Err((message, "correct the name".to_owned()));
    }
    check_inside(kind, pattern)
}

/// The same for names that an organisation may have inside, below top-level domains that the world does not know.
pub(crate) fn check_inside(kind: IndicatorKind, pattern: &str) -> Result<(), Refusal> {
    let refuse = |message: String, fix: &str| Err((message, fix.to_owned()));
    if kind == IndicatorKind::Glob {
        return glob(pattern);
    }
    let Some(suffix) = psl::List.suffix(pattern.as_bytes()) else {
        return refuse(format!("`{pattern}` has no public suffix"), "write a full host name");
    };
    // A single host that happens to be a suffix of the private section (a platform's front page) is one host.
    let private_host = kind == IndicatorKind::Exact && suffix.typ() == Some(Type::Private);
    if suffix.as_bytes() == pattern.as_bytes() && !private_host {
        return refuse(
            format!("{kind} `{pattern}` is a public suffix: its sub-domains belong to many"),
            "name the vendor's own hosts under it, as exact",
        );
    }
    for shared in SHARED {
        let above = kind == IndicatorKind::Suffix
            && shared.strip_suffix(pattern).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        if above || pattern == *shared {
            return refuse(
                format!("{kind} `{pattern}` is shared: `{shared}` serves more than AI"),
                "name the hosts that serve AI",
            );
        }
    }
    Ok(())
}

/// Whether a pattern may stand as a suffix in a rule of the one vendor that serves all of it: then it may be a
/// suffix of the private section, and nothing else changes.
pub(crate) fn check_whole(pattern: &str) -> Result<(), Refusal> {
    match is_private_suffix(pattern) {
        true if SHARED.contains(&pattern) => Err((
            format!("suffix `{pattern}` is shared: it serves more than AI"),
            "name the vendor's own hosts under it, as exact".to_owned(),
        )),
        true => Ok(()),
        false => check(IndicatorKind::Suffix, pattern),
    }
}

/// Whether a name is itself a suffix of the private section of the public suffix list.
pub(crate) fn is_private_suffix(name: &str) -> bool {
    psl::List
        .suffix(name.as_bytes())
        .is_some_and(|suffix| suffix.typ() == Some(Type::Private) && suffix.as_bytes() == name.as_bytes())
}

fn glob(pattern: &str) -> Result<(), Refusal> {
    let fixed = pattern.rfind('*').map_or(pattern, |star| &pattern[star..]);
    let fixed = fixed.split_once('.').map_or("", |(_, rest)| rest);
    let suffix = psl::List.suffix(fixed.as_bytes());
    let is_suffix = suffix.as_ref().is_some_and(|suffix| suffix.as_bytes() == fixed.as_bytes());
    let icann = suffix.is_none_or(|suffix| !suffix.is_known() || suffix.typ() == Some(Type::Icann));
    if is_suffix && icann {
        let message = format!("glob `{pattern}` reaches over registrable domains");
        return Err((message, "write the domain out".to_owned()));
    }
    // `*.cloudfront.net` is everybody; `vendor-*.cloudfront.net` and `service.*.amazonaws.com` are not.
    let anything =
        pattern.split('.').all(|label| label == "*" || !label.contains('*')) && pattern.starts_with("*.");
    let literal = pattern[..pattern.len() - fixed.len()].bytes().any(|byte| !matches!(byte, b'*' | b'.'));
    if anything && !literal && (is_suffix || SHARED.contains(&fixed)) {
        let message = format!("glob `{pattern}` is any host of `{fixed}`, which many share");
        return Err((message, "write more of the label out, or name the hosts".to_owned()));
    }
    Ok(())
}

/// Hosts and parents of hosts that serve AI and much else, or serve whoever rents them. General knowledge of the
/// trade, not a claim about anybody; a host goes in when a rule on it would accuse the innocent.
const SHARED: &[&str] = &[
    "aka.ms",
    "akamai.net",
    "akamaiedge.net",
    "akamaihd.net",
    "akamaized.net",
    "algolia.net",
    "aliyun.com",
    "aliyuncs.com",
    "amazon.com",
    "amazonaws.com",
    "amplitude.com",
    "api.aws",
    "api.github.com",
    "apis.google.com",
    "apple.com",
    "arkoselabs.com",
    "atlassian.com",
    "auth0.com",
    "aws.amazon.com",
    "azure-api.net",
    "azure.cn",
    "azure.com",
    "azure.us",
    "azureedge.net",
    "azurefd.net",
    "azurewebsites.net",
    "b-cdn.net",
    "baidu.com",
    "blob.core.windows.net",
    "browser-intake-datadoghq.com",
    "bytedance.com",
    "cdn77.org",
    "challenges.cloudflare.com",
    "clerk.com",
    "clients6.google.com",
    "cloud.google.com",
    "cloud.ibm.com",
    "cloudflare.com",
    "cloudflare.net",
    "cloudfront.net",
    "cloudinary.com",
    "crates.io",
    "datadoghq.com",
    "digitalocean.com",
    "docker.com",
    "docker.io",
    "facebook.com",
    "fastly.net",
    "firebaseio.com",
    "fly.dev",
    "ghcr.io",
    "ghe.com",
    "github.com",
    "github.io",
    "githubusercontent.com",
    "gitlab.com",
    "google.com",
    "googleapis.com",
    "googleusercontent.com",
    "gstatic.com",
    "herokuapp.com",
    "imgix.net",
    "intercom.io",
    "jsdelivr.net",
    "launchdarkly.com",
    "live.com",
    "live.net",
    "livekit.cloud",
    "microsoft.com",
    "microsoftonline.com",
    "mongodb.com",
    "myhuaweicloud.com",
    "myqcloud.com",
    "naver.com",
    "netlify.app",
    "npmjs.com",
    "npmjs.org",
    "office.com",
    "office365.com",
    "okta.com",
    "oraclecloud.com",
    "pages.dev",
    "pypi.org",
    "pythonhosted.org",
    "qq.com",
    "quay.io",
    "salesforce.com",
    "segment.io",
    "sendgrid.net",
    "sentry.io",
    "service-now.com",
    "sharepoint.com",
    "snowflakecomputing.com",
    "statsig.com",
    "statsigapi.net",
    "stripe.com",
    "supabase.co",
    "tencent.com",
    "tencentcloud.com",
    "tencentcloudapi.com",
    "trafficmanager.net",
    "unpkg.com",
    "vercel.app",
    "visualstudio.com",
    "volcengine.com",
    "volces.com",
    "webpubsub.azure.com",
    "windows.net",
    "workers.dev",
    "workos.com",
    "yandex.net",
    "yandex.ru",
    "yandexcloud.net",
    "youtube.com",
    "zendesk.com",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_are_refused() {
        for (kind, pattern) in [
            (IndicatorKind::Suffix, "co.uk"),
            (IndicatorKind::Suffix, "vercel.app"),
            (IndicatorKind::Suffix, "github.io"),
            (IndicatorKind::Suffix, "azure.com"),
            (IndicatorKind::Exact, "api.github.com"),
            (IndicatorKind::Suffix, "core.windows.net"),
            (IndicatorKind::Suffix, "vendor.notatld"),
            (IndicatorKind::Glob, "api-*.co.uk"),
            (IndicatorKind::Glob, "*.cloudfront.net"),
            (IndicatorKind::Glob, "*.vercel.app"),
        ] {
            assert!(check(kind, pattern).is_err(), "{kind} {pattern}");
        }
    }

    #[test]
    fn names_of_one_are_taken() {
        for (kind, pattern) in [
            (IndicatorKind::Suffix, "openai.azure.com"),
            (IndicatorKind::Exact, "vendor.vercel.app"),
            (IndicatorKind::Exact, "vercel.app.vendor.com"),
            (IndicatorKind::Suffix, "notazure.com"),
            (IndicatorKind::Glob, "bedrock-runtime.*.amazonaws.com"),
            (IndicatorKind::Glob, "*-aiplatform.googleapis.com"),
            (IndicatorKind::Glob, "vendor-*.cloudfront.net"),
        ] {
            assert_eq!(check(kind, pattern), Ok(()), "{kind} {pattern}");
        }
    }

    #[test]
    fn a_whole_suffix_is_of_the_private_section_and_not_shared() {
        assert!(check(IndicatorKind::Suffix, "hf.space").is_err());
        for (pattern, taken) in [
            ("hf.space", true),
            ("vendor.dev", true),
            ("vercel.app", false),
            ("github.io", false),
            ("co.uk", false),
        ] {
            assert_eq!(check_whole(pattern).is_ok(), taken, "{pattern}");
        }
    }

    #[test]
    fn the_list_is_sorted_and_in_normal_form() {
        assert!(SHARED.is_sorted());
        for name in SHARED {
            assert_eq!(crate::DomainName::parse(name).unwrap().as_str(), *name);
        }
    }
}
