//! Whether a domain is that of a provider of mail for everybody: an account there is a person's own, not a company's.

/// Providers where anybody gets an address, by the domains they give out. Not AI, so not of the catalogue.
const PUBLIC: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "msn.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "privaterelay.appleid.com",
    "yahoo.com",
    "ymail.com",
    "rocketmail.com",
    "aol.com",
    "proton.me",
    "protonmail.com",
    "pm.me",
    "tutanota.com",
    "tuta.com",
    "tuta.io",
    "mail.com",
    "email.com",
    "gmx.com",
    "gmx.net",
    "gmx.de",
    "gmx.at",
    "gmx.ch",
    "web.de",
    "t-online.de",
    "freenet.de",
    "posteo.de",
    "mailbox.org",
    "orange.fr",
    "free.fr",
    "laposte.net",
    "libero.it",
    "fastmail.com",
    "hey.com",
    "zoho.com",
    "zohomail.com",
    "duck.com",
    "mozmail.com",
    "simplelogin.com",
    "mail.ru",
    "inbox.ru",
    "bk.ru",
    "list.ru",
    "yandex.com",
    "yandex.ru",
    "ya.ru",
    "rambler.ru",
    "seznam.cz",
    "wp.pl",
    "o2.pl",
    "interia.pl",
    "onet.pl",
    "qq.com",
    "foxmail.com",
    "163.com",
    "126.com",
    "yeah.net",
    "sina.com",
    "sohu.com",
    "139.com",
    "189.cn",
    "aliyun.com",
    "naver.com",
    "hanmail.net",
    "daum.net",
    "rediffmail.com",
    "uol.com.br",
    "bol.com.br",
    "comcast.net",
    "verizon.net",
    "att.net",
];

/// Providers with one domain a country: the name before the country's ending.
const COUNTRIES: &[&str] = &["yahoo", "hotmail", "live", "outlook"];

/// Whether anybody may have an address there.
pub(super) fn is_public(domain: &str) -> bool {
    let of_country = || {
        let (name, rest) = domain.split_once('.')?;
        let country = rest.rsplit('.').next()?;
        let before = rest.strip_suffix(country)?.trim_end_matches('.');
        Some(COUNTRIES.contains(&name) && country.len() == 2 && ["", "co", "com"].contains(&before))
    };
    PUBLIC.contains(&domain) || of_country() == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_for_everybody_are_told_from_companies() {
        for yes in ["gmail.com", "web.de", "163.com", "proton.me", "yahoo.co.jp", "hotmail.fr", "live.com.au"]
        {
            assert!(is_public(yes), "{yes}");
        }
        for no in [
            "corp.example",
            "google.com",
            "live.example.com",
            "yahoo.evil.jp",
            "yahoo-inc.com",
            "notgmail.com",
        ] {
            assert!(!is_public(no), "{no}");
        }
    }
}
