//! `nephos doctor`: what this machine offers, and how to mend what is missing.

use nephos_sandbox::{Feature, Status};
use serde_json::json;

use crate::Failure;
use crate::args::{Doctor, Output};
use crate::style;

/// Looks, and tells. Fails where functions can't be run at all.
pub fn doctor(options: &Doctor) -> Result<(), Failure> {
    let capabilities = nephos_sandbox::probe();
    let runtimes = nephos_lambda::available_runtimes(&[]);
    if options.output == Output::Json {
        let runtimes: Vec<_> = runtimes
            .iter()
            .map(|runtime| json!({ "id": runtime.id, "interpreter": runtime.executable, "version": runtime.version }))
            .collect();
        println!("{}", json!({ "isolation": capabilities, "runtimes": runtimes }));
    } else {
        println!("{}", style::bold("isolation"));
        capabilities.features.iter().for_each(tell);
        println!("\n{}", style::bold("runtimes"));
        for runtime in &runtimes {
            let from = match &runtime.executable {
                Some(path) => path.display().to_string(),
                None => "a bootstrap of your own".to_owned(),
            };
            println!("  {} {:<18} {}", style::green("✓"), runtime.id, style::dim(&from));
        }
    }
    if capabilities.usable() {
        Ok(())
    } else {
        Err("functions can't be run on this machine; see what is missing above".to_owned())
    }
}

fn tell(feature: &Feature) {
    let sign = match feature.status {
        Status::Available => style::green("✓"),
        Status::Degraded => style::bold("~"),
        Status::Missing => style::red("✗"),
    };
    println!("  {sign} {:<18} {}", feature.name, style::dim(&feature.detail));
    if !feature.mend.is_empty() {
        println!("    {}", feature.mend);
    }
}
