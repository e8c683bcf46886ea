//! smoke
use crate::harness::sandbox::sandbox;
use crate::harness::servers::*;
#[test]
fn smoke() {
    sandbox(|s| {
        for kind in Kind::ALL {
            let t = std::time::Instant::now();
            let Some(server) = Server::start(kind, s, &Setup::new(&["host 60 A 192.0.2.1", "host 60 TXT \"a b\""])) else { return };
            println!("{kind:?} {:?} {:?} {}", t.elapsed(), server.zone("example.com."), server.serial());
            for key in &Setup::new(&[]).keys {
                for ip in ["127.0.0.1", "::1"] {
            s.write("up", format!("server {ip} 53\nzone example.com\nupdate delete host.example.com A\nupdate add host.example.com 300 A 192.0.2.7\nsend\n"));
            s.shell(&format!("nsupdate -v -y {}:{}:{} /run/sandbox/up || true", key.algorithm.name(), key.name, crate::harness::secret(key)));
                }
            }
            println!("{kind:?} {:?} {:?} {}", t.elapsed(), server.zone("example.com."), server.serial());
            if kind == Kind::Yadifa {println!("{}", server.log());}
        }
        panic!("done");
    });
}
