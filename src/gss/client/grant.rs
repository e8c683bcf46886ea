//! The TGS exchange (RFC 4120, section 3.3), with the request for referrals of RFC 6806.

use super::{Answer, Client, Session, as_long_as_possible, bits, octets, refused, unbelievable};
use crate::crypto::Enctype;
use crate::error::{Error, Purpose};
use crate::messages::{
    self, ApReq, Authenticator, Checksum, EncKdcRepPart, KdcReq, KdcReqBody, PVNO, PaData,
    PrincipalName, kind, usage,
};
use der::Encode;

impl Client<'_> {
    /// One TGS exchange; the name that the ticket is for, which may be another realm's TGS, and the ticket.
    pub(super) fn ask_tgs(
        &mut self,
        session: &Session,
        service: &PrincipalName,
        purpose: &Purpose,
    ) -> Result<(PrincipalName, Session), Error> {
        let no = |what| unbelievable(purpose, &session.realm, what);
        let nonce = self.nonce()?;
        let body = || -> Result<KdcReqBody<'_>, Error> {
            Ok(KdcReqBody {
                // The 16th is `canonicalize`: without it no KDC refers to another realm.
                kdc_options: bits(&[0, 1, 0, 0])?,
                cname: None,
                realm: session.realm.clone(),
                sname: service.clone(),
                till: as_long_as_possible()?,
                nonce,
                etype: Enctype::ALL.map(Enctype::number).to_vec(),
            })
        };
        let octets_of_body = body()?.to_der().map_err(Error::Encoding)?;
        let request = self.ap_request(session, &octets_of_body)?;
        let request = KdcReq {
            pvno: PVNO,
            msg_type: kind::TGS_REQ,
            padata: vec![PaData {
                padata_type: PaData::TGS_REQ,
                padata_value: octets(request)?,
            }],
            req_body: body()?,
        };
        let request = messages::encode(kind::TGS_REQ, &request).map_err(Error::Encoding)?;
        let reply = match self.ask(&session.realm, &request, kind::TGS_REP, purpose)? {
            Answer::Reply(reply) => reply,
            Answer::No(error) => return Err(refused(purpose.clone(), &session.realm, &error)),
        };
        if reply.enc_part.etype != session.key.enctype().number() {
            return Err(no("is encrypted in a way that was not asked for"));
        }
        let sealed = reply.enc_part.cipher.as_bytes();
        let Some(plain) = session.key.decrypt(usage::TGS_REP, sealed) else {
            return Err(Error::NotDecrypted {
                purpose: purpose.clone(),
                there: None,
            });
        };
        let part: EncKdcRepPart<'_> = messages::decode(&[kind::ENC_TGS_REP_PART], &plain)
            .map_err(|_| no("is malformed inside"))?;
        if !reply.cname.is(&session.client.name) || reply.crealm != session.client.realm {
            return Err(no("is for another principal"));
        }
        super::session(&reply, &part, nonce).map_err(no)
    }

    /// The AP-REQ that a TGS-REQ carries (RFC 4120, section 7.2.2).
    fn ap_request(&mut self, session: &Session, body: &[u8]) -> Result<Vec<u8>, Error> {
        let now = self.now()?;
        let authenticator = Authenticator {
            authenticator_vno: PVNO,
            crealm: session.client.realm.clone(),
            cname: session.client.name.clone(),
            cksum: Checksum {
                cksumtype: session.key.enctype().checksum_number(),
                checksum: octets(session.key.checksum(usage::TGS_REQ_CHECKSUM, &[body]))?,
            },
            cusec: now.microseconds,
            ctime: now.time,
            subkey: None,
            seq_number: None,
        };
        let plain =
            messages::encode(kind::AUTHENTICATOR, &authenticator).map_err(Error::Encoding)?;
        let request = ApReq {
            pvno: PVNO,
            msg_type: kind::AP_REQ,
            ap_options: bits(&[0; 4])?,
            ticket: session.ticket.clone(),
            authenticator: self.seal(&session.key, usage::TGS_REQ_AUTHENTICATOR, &plain)?,
        };
        messages::encode(kind::AP_REQ, &request).map_err(Error::Encoding)
    }
}
