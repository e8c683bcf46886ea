//! The update as one RFC 2136 message: it deletes, then adds, so that sent twice it does the same as once; and the code
//! that answers it.

use crate::registration::{Registration, Replace};
use hickory_proto::op::update_message::UpdateMessage;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

/// Room for a TSIG record: two names of 255 octets, a MAC of 64 and the fixed fields.
const MAX_TSIG: usize = 640;

/// The TC bit in the third octet of a message.
const TRUNCATED: u8 = 0x02;

/// An update, not yet signed.
#[derive(Debug)]
pub(crate) struct Update {
    /// The name that it changes.
    pub(crate) name: Name,
    /// The zone's apex.
    pub(crate) zone: Name,
    /// Whether it deletes other records than addresses.
    pub(crate) is_broad: bool,
    /// The message.
    pub(crate) message: Message,
}

impl Update {
    /// Makes the zone say what a registration says.
    ///
    /// # Errors
    /// One message can't hold so many addresses.
    pub(crate) fn register(registration: &Registration, zone: &Name) -> Result<Self, String> {
        let name = &registration.name;
        let mut update = Self::new(name, zone);
        match registration.replace {
            Replace::All => update.delete(RecordType::ANY),
            Replace::Addresses => {
                // Adding an address beside a CNAME is passed over in silence (RFC 2136, 3.4.2.2), so ask first.
                update
                    .message
                    .add_pre_requisite(about(name, RecordType::CNAME, DNSClass::NONE));
                update.delete(RecordType::A);
                update.delete(RecordType::AAAA);
            }
        }
        let addresses = &registration.addresses;
        let ipv4 = addresses.ipv4.iter().flatten();
        let ipv6 = addresses.ipv6.iter().flatten();
        let data = ipv4
            .map(|&address| RData::A(address.into()))
            .chain(ipv6.map(|&address| RData::AAAA(address.into())));
        update
            .message
            .add_updates(data.map(|data| Record::from_rdata(name.clone(), registration.ttl, data)));
        update.fits()
    }

    /// Removes the addresses of a name from the zone, and nothing else.
    ///
    /// # Errors
    /// The message can't be built.
    pub(crate) fn unregister(name: &Name, zone: &Name) -> Result<Self, String> {
        let mut update = Self::new(name, zone);
        update.delete(RecordType::A);
        update.delete(RecordType::AAAA);
        update.fits()
    }

    /// An update that changes nothing.
    fn new(name: &Name, zone: &Name) -> Self {
        let mut message = Message::query();
        message.metadata.op_code = OpCode::Update;
        message.metadata.recursion_desired = false;
        message.add_zone(Query::query(zone.clone(), RecordType::SOA));
        Self {
            name: name.clone(),
            zone: zone.clone(),
            is_broad: false,
            message,
        }
    }

    /// Deletes the records of a type at the name; those of all with `ANY`.
    fn delete(&mut self, record_type: RecordType) {
        self.is_broad |= record_type == RecordType::ANY;
        self.message
            .add_update(about(&self.name, record_type, DNSClass::ANY));
    }

    /// The update, if it leaves room for a signature.
    fn fits(self) -> Result<Self, String> {
        let octets = self
            .message
            .to_vec()
            .map_err(|error| format!("cannot build the update: {error}"))?;
        // hickory cuts a message short without an error, but says so in the TC bit.
        let is_cut = octets.get(2).is_none_or(|flags| flags & TRUNCATED != 0);
        if is_cut || octets.len() + MAX_TSIG > usize::from(u16::MAX) {
            return Err("there are more addresses than one DNS message holds; leave some out by interface or network".into());
        }
        Ok(self)
    }
}

/// The response code of an answer to the update with this id, with the upper bits that an OPT record may have.
///
/// # Errors
/// It is no answer to that update.
pub fn code_of(answer: &[u8], id: u16) -> Result<ResponseCode, &'static str> {
    let message = Message::from_vec(answer).map_err(|_| "the answer is no DNS message")?;
    let header = &message.metadata;
    if header.id != id {
        return Err("the answer has another id than the request");
    }
    if header.op_code != OpCode::Update {
        return Err("the answer is not one to an update");
    }
    if header.message_type != MessageType::Response {
        return Err("the answer is a request itself");
    }
    Ok(header.response_code)
}

/// A record that says something about a whole RRset: no data, no time to live (RFC 2136, 2.4 and 2.5).
fn about(name: &Name, record_type: RecordType, class: DNSClass) -> Record {
    let mut record = Record::update0(name.clone(), 0, record_type);
    record.dns_class = class;
    record
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::registration::Addresses;

    /// A fully qualified name.
    pub(crate) fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    /// host.example.com. with two addresses.
    pub(crate) fn registration(replace: Replace) -> Registration {
        Registration {
            name: name("host.example.com."),
            addresses: Addresses {
                ipv4: Some(["192.0.2.1".parse().unwrap()].into()),
                ipv6: Some(["2001:db8::1".parse().unwrap()].into()),
            },
            ttl: 300,
            zone: None,
            server: None,
            replace,
        }
    }

    /// Class, type and time to live of records.
    fn shape(records: &[Record]) -> Vec<(DNSClass, RecordType, u32)> {
        records
            .iter()
            .map(|record| (record.dns_class, record.record_type(), record.ttl))
            .collect()
    }

    #[test]
    fn everything_gives_way_and_then_the_addresses_are_added() {
        let update = Update::register(&registration(Replace::All), &name("example.com.")).unwrap();
        assert!(update.is_broad);
        assert_eq!(shape(update.message.prerequisites()), []);
        assert_eq!(
            shape(update.message.updates()),
            [
                (DNSClass::ANY, RecordType::ANY, 0),
                (DNSClass::IN, RecordType::A, 300),
                (DNSClass::IN, RecordType::AAAA, 300)
            ]
        );
        let zones = update.message.zones();
        assert_eq!((zones.len(), zones[0].query_type()), (1, RecordType::SOA));
        assert!(!update.message.metadata.recursion_desired);
    }

    #[test]
    fn only_addresses_give_way_where_there_is_no_cname() {
        let update =
            Update::register(&registration(Replace::Addresses), &name("example.com.")).unwrap();
        assert!(!update.is_broad);
        assert_eq!(
            shape(update.message.prerequisites()),
            [(DNSClass::NONE, RecordType::CNAME, 0)]
        );
        assert_eq!(
            shape(&update.message.updates()[..2]),
            [
                (DNSClass::ANY, RecordType::A, 0),
                (DNSClass::ANY, RecordType::AAAA, 0)
            ]
        );
    }

    #[test]
    fn unregistering_deletes_the_addresses_and_nothing_else() {
        let update = Update::unregister(&name("host.example.com."), &name("example.com.")).unwrap();
        assert!(!update.is_broad);
        assert_eq!(shape(update.message.prerequisites()), []);
        assert_eq!(
            shape(update.message.updates()),
            [
                (DNSClass::ANY, RecordType::A, 0),
                (DNSClass::ANY, RecordType::AAAA, 0)
            ]
        );
    }

    #[test]
    fn more_addresses_than_a_message_holds_are_an_error() {
        let mut registration = registration(Replace::All);
        registration.addresses.ipv4 = Some((0..5000_u32).map(Into::into).collect());
        let error = Update::register(&registration, &name("example.com.")).unwrap_err();
        assert!(error.starts_with("there are more addresses"), "{error}");
        registration.addresses.ipv4 = Some((0..2000_u32).map(Into::into).collect());
        assert!(Update::register(&registration, &name("example.com.")).is_ok());
    }
}
