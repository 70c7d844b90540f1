//! The names in an X.509 certificate (RFC 5280) that was found good.

use yasna::models::{ObjectIdentifier, TaggedDerValue};
use yasna::tags::{TAG_IA5STRING, TAG_PRINTABLESTRING, TAG_UTF8STRING};
use yasna::{ASN1Error, ASN1ErrorKind, ASN1Result, BERReader, BERReaderSeq, Tag, TagClass};

const COMMON_NAME: &[u64] = &[2, 5, 4, 3];
const SUBJECT_ALTERNATIVE_NAME: &[u64] = &[2, 5, 29, 17];
/// Of the kinds of alternative names, those that are text: e-mail address, DNS name, URI.
const TEXTS: [u64; 3] = [1, 2, 6];

/// What a certificate calls its owner.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// The common names of the subject.
    pub(super) common: Vec<String>,
    /// E-mail addresses, DNS names and URIs.
    pub(super) alternative: Vec<String>,
}

/// The names of a certificate in DER; nothing if it cannot be read. A name is read whole or not at all: who has a name that is no text
/// has none.
pub(super) fn of(certificate: &[u8]) -> Option<Names> {
    let read = yasna::parse_der(certificate, |reader| {
        reader.read_sequence(|reader| {
            let names = reader.next().read_sequence(to_be_signed)?;
            for _signature in 0..2 {
                reader.next().read_der()?;
            }
            Ok(names)
        })
    });
    read.ok()
}

fn to_be_signed(reader: &mut BERReaderSeq<'_, '_>) -> ASN1Result<Names> {
    let _version = reader.read_optional(|reader| reader.read_tagged(Tag::context(0), |reader| reader.read_der()))?;
    for _serial_signature_issuer_validity in 0..4 {
        reader.next().read_der()?;
    }
    let mut names = Names::default();
    reader.next().read_sequence_of(|reader| reader.read_set_of(|reader| attribute(reader, &mut names.common)))?;
    let _key = reader.next().read_der()?;
    for unique_id in [1, 2] {
        reader.read_optional(|reader| {
            reader.read_tagged_implicit(Tag::context(unique_id), |reader| reader.read_bitvec_bytes())
        })?;
    }
    reader.read_optional(|reader| {
        reader.read_tagged(Tag::context(3), |reader| {
            reader.read_sequence_of(|reader| extension(reader, &mut names.alternative))
        })
    })?;
    Ok(names)
}

fn attribute(reader: BERReader<'_, '_>, common: &mut Vec<String>) -> ASN1Result<()> {
    reader.read_sequence(|reader| {
        let (kind, value) = (reader.next().read_oid()?, reader.next().read_tagged_der()?);
        if is(&kind, COMMON_NAME) {
            if ![TAG_UTF8STRING, TAG_PRINTABLESTRING, TAG_IA5STRING].contains(&value.tag()) {
                return Err(ASN1Error::new(ASN1ErrorKind::Invalid));
            }
            common.push(text(&value)?);
        }
        Ok(())
    })
}

fn extension(reader: BERReader<'_, '_>, alternative: &mut Vec<String>) -> ASN1Result<()> {
    let (kind, value) = reader.read_sequence(|reader| {
        let kind = reader.next().read_oid()?;
        let _critical = reader.read_optional(|reader| reader.read_bool())?;
        Ok((kind, reader.next().read_bytes()?))
    })?;
    if !is(&kind, SUBJECT_ALTERNATIVE_NAME) {
        return Ok(());
    }
    yasna::parse_der(&value, |reader| {
        reader.read_sequence_of(|reader| {
            let name = reader.read_tagged_der()?;
            let Tag { tag_class, tag_number } = name.tag();
            if tag_class == TagClass::ContextSpecific && TEXTS.contains(&tag_number) {
                alternative.push(text(&name)?);
            }
            Ok(())
        })
    })
}

fn is(kind: &ObjectIdentifier, wanted: &[u64]) -> bool {
    kind.components().as_slice() == wanted
}

fn text(value: &TaggedDerValue) -> ASN1Result<String> {
    String::from_utf8(value.value().to_vec()).map_err(|_| ASN1Error::new(ASN1ErrorKind::Invalid))
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    fn certificate(name: &str) -> CertificateDer<'static> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/tests/certificates");
        CertificateDer::from_pem_file(folder.join(name)).unwrap()
    }

    #[test]
    fn names_are_those_of_the_certificate() {
        let names = of(&certificate("client.pem")).unwrap();
        assert_eq!(names, Names { common: vec!["client".to_owned()], alternative: vec![] });
    }

    #[test]
    fn alternative_names_are_those_that_are_text() {
        // GeneralNames with a DNS name, an IP address, a URI and an e-mail address.
        let names = [&[0x82, 1, b'd'][..], &[0x87, 4, 127, 0, 0, 1], &[0x86, 3, b'u', b':', b'i'], &[0x81, 1, b'e']];
        let names = names.concat();
        let value = [&[0x30, u8::try_from(names.len()).unwrap()][..], &names].concat();
        let octets = [&[4, u8::try_from(value.len()).unwrap()][..], &value].concat();
        let body = [&[6, 3, 0x55, 0x1d, 0x11, 1, 1, 0xff][..], &octets].concat();
        let extended = [&[0x30, u8::try_from(body.len()).unwrap()][..], &body].concat();
        let mut found = Vec::new();
        yasna::parse_der(&extended, |reader| extension(reader, &mut found)).unwrap();
        assert_eq!(found, ["d", "u:i", "e"]);
    }

    #[test]
    fn what_is_no_certificate_has_no_names() {
        let whole = certificate("client.pem");
        for length in 0..whole.len() {
            assert_eq!(of(&whole[..length]), None, "{length}");
        }
    }
}
