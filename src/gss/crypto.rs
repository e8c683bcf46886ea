//! Encryption and checksums: the framework of RFC 3961 with the AES enctypes of RFC 3962 and RFC 8009.
//!
//! There are four enctypes, 17 to 20. RC4 and DES do not exist here, so nothing can be talked into using them.
//! The primitives are RustCrypto's; ours is how Kerberos puts them together. The confounder is an argument.

use aes::{Aes128, Aes256};
use cts::cipher::{
    Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit,
};
use cts::{CbcCs3, Decrypt, Encrypt};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use std::fmt;
use std::io;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The octets of an AES block, and so of a confounder.
pub(crate) const BLOCK: usize = 16;

/// A cipher state that nothing went before.
const NO_IV: [u8; BLOCK] = [0; BLOCK];

/// An encryption type that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enctype {
    /// `aes128-cts-hmac-sha1-96`, 17.
    Aes128Sha1,
    /// `aes256-cts-hmac-sha1-96`, 18.
    Aes256Sha1,
    /// `aes128-cts-hmac-sha256-128`, 19.
    Aes128Sha256,
    /// `aes256-cts-hmac-sha384-192`, 20.
    Aes256Sha384,
}

impl Enctype {
    /// All of them, the strongest first: by the key's length, then by the hash.
    pub(crate) const ALL: [Self; 4] = [
        Self::Aes256Sha384,
        Self::Aes256Sha1,
        Self::Aes128Sha256,
        Self::Aes128Sha1,
    ];

    /// The enctype with this number, if it can be used here.
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|enctype| enctype.number() == number)
    }

    /// Its number in messages and keytabs.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Aes128Sha1 => 17,
            Self::Aes256Sha1 => 18,
            Self::Aes128Sha256 => 19,
            Self::Aes256Sha384 => 20,
        }
    }

    /// The octets of a key.
    pub(crate) fn key_length(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes128Sha256 => 16,
            Self::Aes256Sha1 | Self::Aes256Sha384 => 32,
        }
    }

    /// The octets of a checksum.
    pub(crate) fn checksum_length(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes256Sha1 => 12,
            Self::Aes128Sha256 => 16,
            Self::Aes256Sha384 => 24,
        }
    }

    /// The number of its checksum type (RFC 3962, section 7; RFC 8009, section 6).
    pub(crate) fn checksum_number(self) -> i32 {
        match self {
            Self::Aes128Sha1 => 15,
            Self::Aes256Sha1 => 16,
            Self::Aes128Sha256 => 19,
            Self::Aes256Sha384 => 20,
        }
    }

    /// Whether it is one of RFC 8009: another key derivation, and encrypt-then-MAC.
    fn is_sha2(self) -> bool {
        matches!(self, Self::Aes128Sha256 | Self::Aes256Sha384)
    }
}

impl fmt::Display for Enctype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(enctype_name(self.number()).unwrap_or_default())
    }
}

/// The name that administrators know an enctype's number by.
pub(crate) fn enctype_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "des-cbc-crc",
        3 => "des-cbc-md5",
        16 => "des3-cbc-sha1",
        17 => "aes128-cts-hmac-sha1-96",
        18 => "aes256-cts-hmac-sha1-96",
        19 => "aes128-cts-hmac-sha256-128",
        20 => "aes256-cts-hmac-sha384-192",
        23 => "rc4-hmac",
        25 => "camellia128-cts-cmac",
        26 => "camellia256-cts-cmac",
        _ => return None,
    })
}

/// Which of the keys that are derived for one usage (RFC 3961, section 5.3).
#[derive(Clone, Copy)]
enum Derived {
    /// Kc, for checksums.
    Checksum = 0x99,
    /// Ke, for encryption.
    Encryption = 0xAA,
    /// Ki, for the integrity of what is encrypted.
    Integrity = 0x55,
}

/// A key of one enctype, wiped when dropped.
#[derive(Clone)]
pub(crate) struct Key {
    /// What it is for.
    enctype: Enctype,
    /// The protocol key.
    octets: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, ..)", self.enctype)
    }
}

impl Key {
    /// A key, if these are as many octets as the enctype wants.
    pub(crate) fn new(enctype: Enctype, octets: &[u8]) -> Option<Self> {
        (octets.len() == enctype.key_length()).then(|| Self {
            enctype,
            octets: Zeroizing::new(octets.to_vec()),
        })
    }

    /// A new key; any octets are a good one.
    ///
    /// # Errors
    /// There are no random octets.
    pub(crate) fn random(
        enctype: Enctype,
        fill: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut octets = Zeroizing::new(vec![0; enctype.key_length()]);
        fill(&mut octets)?;
        Ok(Self { enctype, octets })
    }

    /// What it is for.
    pub(crate) fn enctype(&self) -> Enctype {
        self.enctype
    }

    /// The protocol key itself, for whoever shares it with the other side.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Encrypts, with a random confounder in front.
    pub(crate) fn encrypt(&self, usage: u32, plain: &[u8], confounder: [u8; BLOCK]) -> Vec<u8> {
        let encryption = self.derive(usage, Derived::Encryption);
        let integrity = self.derive(usage, Derived::Integrity);
        let mut octets = Vec::with_capacity(BLOCK + plain.len() + self.enctype.checksum_length());
        octets.extend_from_slice(&confounder);
        octets.extend_from_slice(plain);
        let mac = if self.enctype.is_sha2() {
            encrypt_cts(&encryption, &mut octets);
            self.mac(&integrity, &[&NO_IV, &octets])
        } else {
            let mac = self.mac(&integrity, &[&octets]);
            encrypt_cts(&encryption, &mut octets);
            mac
        };
        octets.extend_from_slice(&mac);
        octets
    }

    /// Decrypts; nothing, if it was not encrypted with this key for this usage.
    pub(crate) fn decrypt(&self, usage: u32, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let length = sealed.len().checked_sub(self.enctype.checksum_length())?;
        if length < BLOCK {
            return None;
        }
        let (sealed, mac) = sealed.split_at(length);
        let encryption = self.derive(usage, Derived::Encryption);
        let integrity = self.derive(usage, Derived::Integrity);
        let mut octets = Zeroizing::new(sealed.to_vec());
        let expected = if self.enctype.is_sha2() {
            self.mac(&integrity, &[&NO_IV, sealed])
        } else {
            decrypt_cts(&encryption, &mut octets);
            self.mac(&integrity, &[&octets])
        };
        if !bool::from(expected.ct_eq(mac)) {
            return None;
        }
        if self.enctype.is_sha2() {
            decrypt_cts(&encryption, &mut octets);
        }
        octets.drain(..BLOCK);
        Some(octets)
    }

    /// The checksum over parts that follow each other.
    pub(crate) fn checksum(&self, usage: u32, parts: &[&[u8]]) -> Vec<u8> {
        self.mac(&self.derive(usage, Derived::Checksum), parts)
    }

    /// The enctype's HMAC over parts that follow each other, cut to its length.
    fn mac(&self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let mut mac = match self.enctype {
            Enctype::Aes128Sha1 | Enctype::Aes256Sha1 => hmac::<Hmac<Sha1>>(key, parts),
            Enctype::Aes128Sha256 => hmac::<Hmac<Sha256>>(key, parts),
            Enctype::Aes256Sha384 => hmac::<Hmac<Sha384>>(key, parts),
        };
        mac.truncate(self.enctype.checksum_length());
        mac
    }

    /// Derives a key for one usage.
    fn derive(&self, usage: u32, derived: Derived) -> Zeroizing<Vec<u8>> {
        let [a, b, c, d] = usage.to_be_bytes();
        let constant = [a, b, c, d, derived as u8];
        if self.enctype.is_sha2() {
            self.derive_sha2(constant, derived)
        } else {
            self.derive_sha1(constant)
        }
    }

    /// DK of RFC 3961, section 5.1: the folded constant, encrypted again and again.
    fn derive_sha1(&self, constant: [u8; 5]) -> Zeroizing<Vec<u8>> {
        let mut block = Zeroizing::new(n_fold::<BLOCK>(&constant));
        let mut key = Zeroizing::new(Vec::with_capacity(self.octets.len()));
        while key.len() < self.octets.len() {
            encrypt_cts(&self.octets, &mut *block);
            key.extend_from_slice(&*block);
        }
        key
    }

    /// KDF-HMAC-SHA2 of RFC 8009, section 3, of which one round is always enough.
    fn derive_sha2(&self, constant: [u8; 5], derived: Derived) -> Zeroizing<Vec<u8>> {
        let length: u8 = match (self.enctype, derived) {
            (Enctype::Aes256Sha384, Derived::Encryption) => 32,
            (Enctype::Aes256Sha384, _) => 24,
            _ => 16,
        };
        let bits = (u32::from(length) * 8).to_be_bytes();
        let parts: [&[u8]; 4] = [&1_u32.to_be_bytes(), &constant, &[0], &bits];
        let mut key = Zeroizing::new(if self.enctype == Enctype::Aes256Sha384 {
            hmac::<Hmac<Sha384>>(&self.octets, &parts)
        } else {
            hmac::<Hmac<Sha256>>(&self.octets, &parts)
        });
        key.truncate(length.into());
        key
    }
}

/// An HMAC over parts that follow each other.
fn hmac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // RFC 2104, section 2.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else {
        unreachable!("an HMAC takes a key of any length");
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// Encrypts at least one block with AES-CBC-CTS (RFC 3962, section 5).
fn encrypt_cts(key: &[u8], octets: &mut [u8]) {
    if key.len() == Enctype::Aes128Sha1.key_length() {
        cts::<Aes128>(key, octets, CbcCs3::encrypt, Aes128::encrypt_block);
    } else {
        cts::<Aes256>(key, octets, CbcCs3::encrypt, Aes256::encrypt_block);
    }
}

/// Decrypts at least one block.
fn decrypt_cts(key: &[u8], octets: &mut [u8]) {
    if key.len() == Enctype::Aes128Sha1.key_length() {
        cts::<Aes128>(key, octets, CbcCs3::decrypt, Aes128::decrypt_block);
    } else {
        cts::<Aes256>(key, octets, CbcCs3::decrypt, Aes256::decrypt_block);
    }
}

/// Works on many blocks, or on a single one, which has nothing to steal from: it is plain CBC, and the crate does
/// something else with it.
fn cts<C: BlockSizeUser + KeyInit>(
    key: &[u8],
    octets: &mut [u8],
    many: fn(CbcCs3<C>, &mut [u8]) -> Result<(), cts::Error>,
    single: fn(&C, &mut Block<C>),
) {
    let Ok(cipher) = C::new_from_slice(key) else {
        unreachable!("a key of an AES enctype is one for AES");
    };
    if let Ok(block) = <&mut Block<C>>::try_from(&mut *octets) {
        single(&cipher, block);
    } else if many(
        CbcCs3::inner_iv_init(cipher, &Block::<C>::default()),
        octets,
    )
    .is_err()
    {
        unreachable!("a confounder is a block");
    }
}

/// n-fold of RFC 3961, section 5.1: copies of the input, each rotated right by 13 bits more, laid end to end up to the
/// least common multiple of both lengths and then added up, N octets at a time, in ones' complement.
fn n_fold<const N: usize>(input: &[u8]) -> [u8; N] {
    let bits = input.len() * 8;
    let total = input.len() / greatest_common_divisor(input.len(), N) * N;
    let octet = |bit: usize| {
        let (at, shift) = (bit / 8, bit % 8);
        let pair = [input[at], input[(at + 1) % input.len()]];
        (u16::from_be_bytes(pair) << shift).to_be_bytes()[0]
    };
    let mut sum = [0; N];
    let mut carry = false;
    let mut add = |sum: &mut u8, octet: u8| {
        let (once, first) = sum.overflowing_add(octet);
        let (twice, second) = once.overflowing_add(carry.into());
        *sum = twice;
        carry = first || second;
    };
    for at in (0..total).rev() {
        let rotated = 13 * (at / input.len()) % bits;
        let bit = (at % input.len() * 8 + bits - rotated) % bits;
        add(&mut sum[at % N], octet(bit));
    }
    for octet in sum.iter_mut().rev() {
        add(octet, 0);
    }
    sum
}

/// Euclid's.
fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Octets from hexadecimal.
    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    /// A confounder from hexadecimal.
    fn confounder(text: &str) -> [u8; BLOCK] {
        hex(text).try_into().unwrap()
    }

    #[test]
    fn folds_as_in_rfc_3961_appendix_a_1() {
        assert_eq!(n_fold::<8>(b"012345").to_vec(), hex("be072631276b1955"));
        assert_eq!(n_fold::<7>(b"password").to_vec(), hex("78a07b6caf85fa"));
        assert_eq!(
            n_fold::<8>(b"Rough Consensus, and Running Code").to_vec(),
            hex("bb6ed30870b7f0e0")
        );
        assert_eq!(
            n_fold::<21>(b"password").to_vec(),
            hex("59e4a8ca7c0385c3c37b3f6d2000247cb6e6bd5b3e")
        );
        assert_eq!(
            n_fold::<24>(b"MASSACHVSETTS INSTITVTE OF TECHNOLOGY").to_vec(),
            hex("db3b0d8f0b061e603282b308a50841229ad798fab9540c1b")
        );
        assert_eq!(
            n_fold::<21>(b"Q").to_vec(),
            hex("518a54a215a8452a518a54a215a8452a518a54a215")
        );
        assert_eq!(
            n_fold::<21>(b"ba").to_vec(),
            hex("fb25d531ae8974499f52fd92ea9857c4ba24cf297e")
        );
        assert_eq!(n_fold::<8>(b"kerberos").to_vec(), b"kerberos");
        assert_eq!(
            n_fold::<16>(b"kerberos").to_vec(),
            hex("6b65726265726f737b9b5b2b93132b93")
        );
        assert_eq!(
            n_fold::<32>(b"kerberos").to_vec(),
            hex("6b65726265726f737b9b5b2b93132b935c9bdcdad95c9899c4cae4dee6d6cae4")
        );
    }

    #[test]
    fn steals_ciphertext_as_in_rfc_3962_appendix_b() {
        let plain = b"I would like the General Gau's Chicken, please, and wonton soup.";
        for (length, sealed) in [
            (17, "c6353568f2bf8cb4d8a580362da7ff7f97"),
            (
                31,
                "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5",
            ),
            (
                32,
                "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584",
            ),
            (
                47,
                "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5",
            ),
            (
                48,
                "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd839312523a78662d5be7fcbcc98ebf5a8",
            ),
            (
                64,
                "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a84807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8",
            ),
        ] {
            let mut octets = plain[..length].to_vec();
            encrypt_cts(b"chicken teriyaki", &mut octets);
            assert_eq!(octets, hex(sealed), "{length} octets");
            decrypt_cts(b"chicken teriyaki", &mut octets);
            assert_eq!(octets, plain[..length], "{length} octets");
        }
    }

    #[test]
    fn derives_as_in_rfc_8009_appendix_a() {
        let key = Key::new(
            Enctype::Aes128Sha256,
            &hex("3705d96080c17728a0e800eab6e0d23c"),
        )
        .unwrap();
        for (derived, expected) in [
            (Derived::Checksum, "b31a018a48f54776f403e9a396325dc3"),
            (Derived::Encryption, "9b197dd1e8c5609d6e67c3e37c62c72e"),
            (Derived::Integrity, "9fda0e56ab2d85e1569a688696c26a6c"),
        ] {
            assert_eq!(*key.derive(2, derived), hex(expected));
        }
        let key = Key::new(
            Enctype::Aes256Sha384,
            &hex("6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52"),
        )
        .unwrap();
        for (derived, expected) in [
            (
                Derived::Checksum,
                "ef5718be86cc84963d8bbb5031e9f5c4ba41f28faf69e73d",
            ),
            (
                Derived::Encryption,
                "56ab22bee63d82d7bc5227f6773f8ea7a5eb1c825160c38312980c442e5c7e49",
            ),
            (
                Derived::Integrity,
                "69b16514e3cd8e56b82010d5c73012b622c4d00ffc23ed1f",
            ),
        ] {
            assert_eq!(*key.derive(2, derived), hex(expected));
        }
    }

    #[test]
    fn encrypts_and_sums_as_in_rfc_8009_appendix_a() {
        let plain = hex("000102030405060708090a0b0c0d0e0f1011121314");
        let cases = [
            (
                Enctype::Aes128Sha256,
                "3705d96080c17728a0e800eab6e0d23c",
                "d78367186643d67b411cba9139fc1dee",
                [
                    (
                        0,
                        "7e5895eaf2672435bad817f545a37148",
                        "ef85fb890bb8472f4dab20394dca781dad877eda39d50c870c0d5a0a8e48c718",
                    ),
                    (
                        6,
                        "7bca285e2fd4130fb55b1a5c83bc5b24",
                        "84d7f30754ed987bab0bf3506beb09cfb55402cef7e6877ce99e247e52d16ed4421dfdf8976c",
                    ),
                    (
                        16,
                        "56ab21713ff62c0a1457200f6fa9948f",
                        "3517d640f50ddc8ad3628722b3569d2ae07493fa8263254080ea65c1008e8fc295fb4852e7d83e1e7c48c37eebe6b0d3",
                    ),
                    (
                        21,
                        "a7a4e29a4728ce10664fb64e49ad3fac",
                        "720f73b18d9859cd6ccb4346115cd336c70f58edc0c4437c5573544c31c813bce1e6d072c186b39a413c2f92ca9b8334a287ffcbfc",
                    ),
                ],
            ),
            (
                Enctype::Aes256Sha384,
                "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
                "45ee791567eefca37f4ac1e0222de80d43c3bfa06699672a",
                [
                    (
                        0,
                        "f764e9fa15c276478b2c7d0c4e5f58e4",
                        "41f53fa5bfe7026d91faf9be959195a058707273a96a40f0a01960621ac612748b9bbfbe7eb4ce3c",
                    ),
                    (
                        6,
                        "b80d3251c1f6471494256ffe712d0b9a",
                        "4ed7b37c2bcac8f74f23c1cf07e62bc7b75fb3f637b9f559c7f664f69eab7b6092237526ea0d1f61cb20d69d10f2",
                    ),
                    (
                        16,
                        "53bf8a0d105265d4e276428624ce5e63",
                        "bc47ffec7998eb91e8115cf8d19dac4bbbe2e163e87dd37f49beca92027764f68cf51f14d798c2273f35df574d1f932e40c4ff255b36a266",
                    ),
                    (
                        21,
                        "763e65367e864f02f55153c7e3b58af1",
                        "40013e2df58e8751957d2878bcd2d6fe101ccfd556cb1eae79db3c3ee86429f2b2a602ac86fef6ecb647d6295fae077a1feb517508d2c16b4192e01f62",
                    ),
                ],
            ),
        ];
        for (enctype, key, checksum, encryptions) in cases {
            let key = Key::new(enctype, &hex(key)).unwrap();
            assert_eq!(key.checksum(2, &[&plain[..5], &plain[5..]]), hex(checksum));
            for (length, random, sealed) in encryptions {
                let plain = &plain[..length];
                assert_eq!(key.encrypt(2, plain, confounder(random)), hex(sealed));
                assert_eq!(*key.decrypt(2, &hex(sealed)).unwrap(), plain);
            }
        }
    }

    #[test]
    fn decrypts_what_it_encrypted_and_nothing_else() {
        for enctype in Enctype::ALL {
            let key = Key::new(enctype, &vec![7; enctype.key_length()]).unwrap();
            let other = Key::new(enctype, &vec![8; enctype.key_length()]).unwrap();
            for length in [0, 1, 15, 16, 17, 31, 32, 33, 300] {
                let plain = vec![9; length];
                let sealed = key.encrypt(3, &plain, [5; BLOCK]);
                assert_eq!(*key.decrypt(3, &sealed).unwrap(), plain);
                assert!(key.decrypt(4, &sealed).is_none(), "another usage");
                assert!(other.decrypt(3, &sealed).is_none(), "another key");
                for at in 0..sealed.len() {
                    let mut changed = sealed.clone();
                    changed[at] ^= 1;
                    assert!(key.decrypt(3, &changed).is_none(), "octet {at} changed");
                    assert!(key.decrypt(3, &sealed[..at]).is_none(), "cut to {at}");
                }
            }
        }
    }

    #[test]
    fn knows_its_numbers_and_shows_no_key() {
        for enctype in Enctype::ALL {
            assert_eq!(Enctype::from_number(enctype.number()), Some(enctype));
            let key = Key::new(enctype, &vec![7; enctype.key_length()]).unwrap();
            assert_eq!(format!("{key:?}"), format!("Key({enctype}, ..)"));
            assert!(Key::new(enctype, &[7; 24]).is_none());
        }
        for number in [0, 1, 3, 16, 21, 23, 24, -1] {
            assert_eq!(Enctype::from_number(number), None);
        }
    }
}
