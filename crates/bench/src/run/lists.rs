//! Lists of the management API, of an organization with very many users.

use anyhow::Result;

use super::{Bench, FEW, Limit, Mode, Site};
use crate::crowd::Crowd;
use crate::measure::{Group, Operation, Place};

impl Bench<'_> {
    /// After everything else, so that nothing else is measured beside so many users: in a database with few other organizations,
    /// and in the one with many.
    pub(super) async fn list_users(&mut self, many: &Site) -> Result<()> {
        if !self.plan.runs(Group::Api) {
            return Ok(());
        }
        let population = self.seed("crowd", FEW).await?;
        let few = Site { server: self.serve("crowd").await?, population };
        eprintln!("listing the users of an organization of {}", self.plan.users);
        let (vault, phc) = self.secrets().await?;
        let mut crowds = Vec::new();
        for (place, site, database) in [(Place::Few, &few, "crowd"), (Place::Many, many, "many")] {
            let crowd = Crowd::gather(&site.population, (&vault, &phc), self.plan.users).await?;
            crowd.let_in(self.orgate, &(self.url)(database), &site.server)?;
            crowds.push((place, site, crowd));
        }
        let limit = |time| Limit { time, operations: usize::MAX };
        let (warm_up, measure) = (self.plan.window / 4, self.plan.window);
        let rounds = (0..self.plan.rounds).map(|_| Mode::Measure(limit(measure)));
        for mode in std::iter::once(Mode::WarmUp(limit(warm_up))).chain(rounds) {
            for (place, site, crowd) in &crowds {
                let lists = crowd.list(&site.server).await?;
                self.drive(&mode, (Operation::ListUsers, *place), &site.server, lists).await?;
            }
        }
        let (proxy, server) = self.relay("crowd", few.server.issuer()).await?;
        let mode = Mode::CountRoundTrips(&proxy);
        for (place, _, crowd) in crowds.iter().take(1) {
            let lists = crowd.list(&server).await?;
            self.drive(&mode, (Operation::ListUsers, *place), &server, lists).await?;
        }
        Ok(())
    }
}
