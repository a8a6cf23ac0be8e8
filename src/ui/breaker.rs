//! The words for what becomes of services.

use crate::engine::events::About;
use crate::engine::events::BreakerNews;
use crate::policy::breaker::WhyOpened;
use crate::support::text::count;
use crate::support::text::whole_span;
use crate::support::untrusted::Untrusted;
use crate::ui::lines::Manner;

/// What became of a breaker: `breaker api.example.com: open for 30 s after 5 failures (server_error)`.
pub(crate) fn sentence(manner: Manner, about: &About, news: &BreakerNews) -> String {
    let shown = |text: &str| Untrusted::from(text).for_terminal();
    let paint = manner.paint;
    let head = match about {
        About::Service(name) => format!("breaker {}", shown(name)),
        About::Cause(pattern) => format!("many tasks failed alike ({})", shown(pattern)),
    };
    let what = match (news, about) {
        (BreakerNews::Opened { span, why }, about) => {
            let span = whole_span(*span);
            let open = match about {
                About::Service(_) => format!("{} for {span}", paint.warn("open")),
                About::Cause(_) => format!("their next attempts wait for {span}"),
            };
            match why {
                WhyOpened::Failures(..) => format!("{open} after {}", why.words()),
                WhyOpened::Asked | WhyOpened::ProbeFailed(_) => format!("{open}: {}", why.words()),
            }
        }
        (BreakerNews::Tries { task: Some(task) }, _) => {
            format!("half open, `{}` tries it", task.name)
        }
        (BreakerNews::Tries { task: None }, _) => "half open, its probe tries it".to_owned(),
        (BreakerNews::Closed { after, tasks }, _) => {
            let after = whole_span(*after);
            format!("{} after {after}{}", paint.good("closed"), go_on(*tasks))
        }
        (BreakerNews::Reset { tasks }, _) => {
            format!(
                "{}, as somebody reset it{}",
                paint.good("closed"),
                go_on(*tasks)
            )
        }
    };
    format!("{head}: {what}")
}

fn go_on(tasks: usize) -> String {
    match tasks {
        0 => String::new(),
        1 => "; 1 task goes on".to_owned(),
        more => format!("; {} go on", count(more, "task")),
    }
}
