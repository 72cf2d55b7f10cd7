//! Regions of clouds, as names of their services tell them. A name says where a request was sent to, and not where it was worked on.

/// Names below which one label is a region: of Azure AI services, by Microsoft Learn, "Azure AI services: endpoints".
const AZURE: [&str; 3] =
    [".api.cognitive.microsoft.com", ".stt.speech.microsoft.com", ".tts.speech.microsoft.com"];

/// The cloud and its region that a host name tells; `None`: it tells none.
pub(super) fn of(host: &str) -> Option<(&'static str, String)> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let one = |label: &str| (!label.is_empty() && !label.contains('.')).then(|| label.to_owned());
    // `bedrock-runtime.eu-central-1.amazonaws.com`: AWS General Reference, "AWS service endpoints".
    if let Some(labels) =
        host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))
    {
        let region = labels.rsplit('.').next().filter(|label| is_of_aws(label))?;
        return Some(("AWS", region.to_owned()));
    }
    // `europe-west4-aiplatform.googleapis.com`: Google Cloud, "Vertex AI locations".
    if let Some(location) = host.strip_suffix("-aiplatform.googleapis.com") {
        return Some(("Google Cloud", one(location)?));
    }
    let region = AZURE.iter().find_map(|below| host.strip_suffix(below))?;
    Some(("Azure", one(region)?))
}

/// Whether a label has the form of a region of AWS: `eu-central-1`, `us-gov-west-1`.
fn is_of_aws(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.as_slice() {
        [area, between @ .., number] => {
            area.len() == 2
                && letters(area)
                && !between.is_empty()
                && between.iter().all(|part| letters(part))
                && matches!(number.as_bytes(), [b'0'..=b'9'])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_told_by_the_names_that_have_one_and_by_no_other() {
        for (host, told) in [
            ("bedrock-runtime.eu-central-1.amazonaws.com", Some(("AWS", "eu-central-1"))),
            ("Bedrock.US-GOV-WEST-1.amazonaws.com.", Some(("AWS", "us-gov-west-1"))),
            ("runtime.sagemaker.cn-north-1.amazonaws.com.cn", Some(("AWS", "cn-north-1"))),
            ("europe-west4-aiplatform.googleapis.com", Some(("Google Cloud", "europe-west4"))),
            ("westeurope.api.cognitive.microsoft.com", Some(("Azure", "westeurope"))),
            ("eastus.stt.speech.microsoft.com", Some(("Azure", "eastus"))),
            ("s3.amazonaws.com", None),
            ("my-bucket-1.s3.amazonaws.com", None),
            ("aiplatform.googleapis.com", None),
            ("-aiplatform.googleapis.com", None),
            ("x.europe-west4-aiplatform.googleapis.com", None),
            ("a.b.api.cognitive.microsoft.com", None),
            ("api.cognitive.microsoft.com", None),
            ("eu-central-1.amazonaws.com.evil.example", None),
            ("api.openai.com", None),
            ("", None),
        ] {
            let found = of(host);
            assert_eq!(found.as_ref().map(|(cloud, region)| (*cloud, region.as_str())), told, "{host}");
        }
    }
}
