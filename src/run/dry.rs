//! A dry run: everything but sending and writing, with the errors and warnings of a real one.

use super::{Run, print, tell_nothing_to_do, warn};
use crate::delivery::Delivery;
use crate::dns::message::Update;
use crate::escape;
use crate::warnings;
use hickory_proto::rr::Name;
use std::error::Error;
use std::time::Instant;

impl Run<'_> {
    /// Prints what would be sent.
    #[inline(never)]
    pub(super) fn dry_run(&self) -> Result<(), Box<dyn Error>> {
        let deadline = Instant::now() + self.config.timeout;
        let mut desired = self.gather(None)?;
        if self.options.force || !self.is_confirmed(&desired.registration) {
            desired = self.settled(desired)?;
        }
        let registration = &desired.registration;
        if !self.options.force && self.is_confirmed(registration) {
            tell_nothing_to_do(&desired);
            return print(&format!(
                "; nothing to send: the cache confirms {} with {}\n",
                escape::domain(&registration.name),
                registration.addresses
            ));
        }
        self.rehearse(&registration.name)?;
        warn(warnings::of(&desired, &self.config));
        let delivery = Delivery::prepare(&self.config)?;
        let target = delivery.find_target(&registration.name, deadline)?;
        let update = Update::register(registration, &target.apex)?;
        print(&delivery.script(&update, target, deadline))
    }

    /// Prints what would be sent to unregister.
    #[inline(never)]
    pub(super) fn dry_run_of_unregistering(&self) -> Result<(), Box<dyn Error>> {
        let deadline = Instant::now() + self.config.timeout;
        let name = self.name_to_unregister()?;
        let delivery = Delivery::prepare(&self.config)?;
        self.rehearse(&name)?;
        warn(warnings::about_secrets(&self.config));
        let target = delivery.find_target(&name, deadline)?;
        let update = Update::unregister(&name, &target.apex)?;
        print(&delivery.script(&update, target, deadline))
    }

    /// What a dry run finds as a real one would before it sends: a cache that is none, and whose it is.
    fn rehearse(&self, name: &Name) -> Result<(), Box<dyn Error>> {
        if let Some(cache) = &self.cache {
            self.config.check_cache(cache.path())?;
            cache.check()?;
        }
        self.warn_about_cache(None, name);
        Ok(())
    }
}
