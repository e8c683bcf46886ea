//! What CPython and we write, side by side.

use super::*;

#[test]
fn formats_100_000_random_formats_and_records_as_cpython_does() {
    const SCRIPT: &str = r"
import json, logging, os, sys, time
os.environ['TZ'] = 'UTC'
time.tzset()
for line in sys.stdin:
    case = json.loads(line)
    try:
        formatter = logging.Formatter(case['format'], None, case['style'], case['validate'], defaults=dict(case['defaults']))
    except Exception as e:
        print(json.dumps({'refused': repr(e)}))
        continue
    record = logging.makeLogRecord({})
    record.__dict__.clear()
    fields = dict(case['fields'])
    fields['args'] = ()
    record.__dict__.update(fields)
    try:
        text = formatter.format(record)
        # A lone surrogate, which a native string can't hold, would fail here.
        text.encode('utf-8')
        print(json.dumps({'text': text}))
    except Exception as e:
        print(json.dumps({'failed': repr(e)}))
";
    let seed = std::env::var("PYDYNDNS_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x2545_f491_4f6c_dd1d);
    let mut random = Random(seed);
    let defaults = vec![
        ("extra".to_owned(), Value::Str("it's".to_owned())),
        ("number".to_owned(), Value::Int(-1_234_567)),
        ("fraction".to_owned(), Value::Float(-0.000_123_456)),
        ("truth".to_owned(), Value::Bool(true)),
        (
            "list".to_owned(),
            Value::List(vec![
                Value::Int(7),
                Value::Str("é\n".to_owned()),
                Value::None,
            ]),
        ),
        (
            "dict".to_owned(),
            Value::Dict(vec![("a".to_owned(), Value::Float(1e16))]),
        ),
        ("none".to_owned(), Value::None),
    ];
    let mut cases = Vec::new();
    let mut ours = Vec::new();
    for _ in 0..100_000 {
        let (style, sign) = [
            (Style::Percent, "%"),
            (Style::Brace, "{"),
            (Style::Dollar, "$"),
        ][random.below(3)];
        let format = match style {
            Style::Percent => random.percent(),
            Style::Brace => random.brace(),
            Style::Dollar => random.dollar(),
        };
        let validate = !random.once_in(3);
        let mut defaults = if random.once_in(5) {
            Vec::new()
        } else {
            defaults.clone()
        };
        if let Some((_, number)) = defaults.get_mut(1) {
            let magnitude = 10_i64.pow(u32::try_from(random.below(18)).unwrap());
            *number = Value::Int(i64::try_from(random.0 % 1_000_000_000_000).unwrap() % magnitude);
            defaults[2].1 = Value::Float(
                f64::from(i32::try_from(random.below(1 << 30)).unwrap() - (1 << 29)) / 3.0
                    * 10_f64.powi(i32::try_from(random.below(40)).unwrap() - 25),
            );
        }
        let record = random.record();
        cases.push(json!({
            "style": sign, "format": format, "validate": validate,
            "defaults": defaults.iter().map(|(name, value)| json!([name, to_json(value)])).collect::<Json>(),
            "fields": record.fields().iter().map(|(name, value)| json!([name, to_json(value)])).collect::<Json>(),
        }));
        // An empty format stands for the default.
        let used = if format.is_empty() {
            style.default_format().to_owned()
        } else {
            format
        };
        ours.push(match style.validate(&used) {
            Err(_) if validate => None,
            _ => {
                let formatter = Formatter {
                    style,
                    format: Ok(used.into()),
                    defaults: Ok(defaults),
                    ..Formatter::default()
                };
                Some(formatter.format(&record))
            }
        });
    }
    let Some(theirs) = ask_python(SCRIPT, cases.clone()) else {
        return;
    };
    assert_eq!(theirs.len(), ours.len());
    let mut tally = Tally::default();
    for ((case, theirs), ours) in cases.iter().zip(theirs).zip(ours) {
        match (&ours, theirs.get("refused"), theirs["text"].as_str()) {
            (None, Some(_), _) => tally.refused += 1,
            (Some(Err(_)), None, None) => tally.failed += 1,
            (Some(Ok(text)), None, Some(expected)) if text == expected => tally.same += 1,
            _ => tally.different.push(format!(
                "{} {}\n  CPython: {theirs}\n  here: {ours:?}",
                case["style"], case["format"]
            )),
        }
    }
    println!(
        "same text: {}, both refused: {}, both failed: {}",
        tally.same, tally.refused, tally.failed
    );
    assert!(
        tally.different.is_empty(),
        "{} differences, the first:\n{}",
        tally.different.len(),
        tally.different[..tally.different.len().min(12)].join("\n")
    );
    assert!(tally.same > 30_000 && tally.refused > 3_000 && tally.failed > 3_000);
}

#[test]
fn writes_times_as_the_c_library_does() {
    const SCRIPT: &str = r"
import json, os, sys, time
for line in sys.stdin:
    case = json.loads(line)
    if os.environ.get('TZ') != case['zone']:
        os.environ['TZ'] = case['zone']
        time.tzset()
    print(json.dumps(time.strftime(case['format'], time.localtime(case['seconds']))))
";
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut cases = Vec::new();
    let mut ours = Vec::new();
    for zone in [
        "UTC",
        "America/New_York",
        "Asia/Kolkata",
        "Europe/Berlin",
        "Australia/Lord_Howe",
    ] {
        let Ok(known) = jiff::tz::TimeZone::get(zone) else {
            continue;
        };
        for _ in 0..6_000 {
            let seconds = i64::try_from(random.0 % 4_000_000_000).unwrap();
            let mut format = String::new();
            for _ in 0..=random.below(3) {
                format.push_str(random.of(&["", "-", "é", " at "]));
                format.push('%');
                for _ in 0..random.below(2) {
                    format.push_str(random.of(&["_", "-", "0", "^", "#"]));
                }
                if random.once_in(8) {
                    format.push_str(&random.below(14).to_string());
                }
                if random.once_in(10) {
                    format.push_str(random.of(&["E", "O"]));
                }
                let letters = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%fiJKLNoqQv!é";
                let letters: Vec<char> = letters.chars().collect();
                format.push(letters[random.below(letters.len())]);
            }
            if random.once_in(20) {
                format.push('%');
            }
            ours.push(time::strftime(&format, &time::moment(seconds, &known)));
            cases.push(json!({"zone": zone, "seconds": seconds, "format": format}));
        }
    }
    let Some(theirs) = ask_python(SCRIPT, cases.clone()) else {
        return;
    };
    let different: Vec<_> = cases
        .iter()
        .zip(&theirs)
        .zip(&ours)
        .filter(|((_, theirs), ours)| theirs.as_str() != Some(ours))
        .map(|((case, theirs), ours)| format!("{case}: the C library {theirs}, here {ours:?}"))
        .collect();
    println!("{} times the same", ours.len());
    assert!(
        different.is_empty(),
        "{} differences, the first:\n{}",
        different.len(),
        different[..different.len().min(15)].join("\n")
    );
}
