//! Floating-point numbers as Python writes them (`PyOS_double_to_string`).

/// How a number is to be written.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// `e`, `f`, `g`, or `r` for the shortest that reads back the same
    pub(crate) kind: char,
    /// digits after the point, or significant ones for `g`
    pub(crate) precision: usize,
    /// keep a bare point and `g`'s trailing zeros
    pub(crate) alternate: bool,
    /// always show at least one digit after the point
    pub(crate) point_zero: bool,
    /// write `E`, `INF` and `NAN`
    pub(crate) upper: bool,
}

/// More digits than any number has after which all are zero; Rust's own formatting takes no more than 65535.
const EXACT: usize = 1200;

/// `repr(value)`
pub(crate) fn repr(value: f64) -> String {
    write(
        value,
        Shape {
            kind: 'r',
            precision: 0,
            alternate: false,
            point_zero: true,
            upper: false,
        },
    )
}

/// The number in the given shape, with a `-` if it is negative.
pub(crate) fn write(value: f64, shape: Shape) -> String {
    let text = if value.is_nan() {
        "nan".to_owned()
    } else {
        let sign = if value.is_sign_negative() { "-" } else { "" };
        let magnitude = value.abs();
        let body = if magnitude.is_infinite() {
            "inf".to_owned()
        } else if shape.kind == 'f' {
            let exact = shape.precision.min(EXACT);
            let mut body = format!("{magnitude:.exact$}");
            body.extend(std::iter::repeat_n('0', shape.precision - exact));
            if shape.alternate && shape.precision == 0 {
                body.push('.');
            }
            body
        } else {
            with_exponent(magnitude, shape)
        };
        format!("{sign}{body}")
    };
    if shape.upper {
        text.to_uppercase()
    } else {
        text
    }
}

/// The fewest digits that read back the same. Of two equally near ones Python takes the even one, Rust the greater.
fn shortest(magnitude: f64) -> String {
    let text = format!("{magnitude:e}");
    let digits = text
        .bytes()
        .take_while(|c| *c != b'e')
        .filter(u8::is_ascii_digit)
        .count();
    let even = format!("{magnitude:.*e}", digits.saturating_sub(1));
    if even.parse() == Ok(magnitude) {
        even
    } else {
        text
    }
}

/// `e`, `g` and `r`, which may need an exponent.
fn with_exponent(magnitude: f64, shape: Shape) -> String {
    let precision = if shape.kind == 'g' {
        shape.precision.max(1)
    } else {
        shape.precision
    };
    let wanted = if shape.kind == 'g' {
        precision - 1
    } else {
        precision
    };
    let exact = wanted.min(EXACT);
    let scientific = if shape.kind == 'r' {
        shortest(magnitude)
    } else {
        format!("{magnitude:.exact$e}")
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mut digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    digits.extend(std::iter::repeat_n('0', wanted - exact));
    if shape.kind == 'g' && !shape.alternate {
        digits.truncate(digits.trim_end_matches('0').len().max(1));
    }
    let limit = match shape.kind {
        'r' => 16,
        _ => i32::try_from(precision).unwrap_or(i32::MAX) - i32::from(shape.point_zero),
    };
    let point = exponent + 1;
    let mut out = String::new();
    if shape.kind == 'e' || point <= -4 || point > limit {
        out.push_str(&digits[..1]);
        if digits.len() > 1 || shape.alternate {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        out.push('e');
        out.push(if exponent < 0 { '-' } else { '+' });
        if exponent.abs() < 10 {
            out.push('0');
        }
        out.push_str(&exponent.unsigned_abs().to_string());
        return out;
    }
    if point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
        out.push_str(&digits);
        return out;
    }
    let whole = point.unsigned_abs() as usize;
    if digits.len() > whole {
        out.push_str(&digits[..whole]);
        out.push('.');
        out.push_str(&digits[whole..]);
    } else {
        out.push_str(&digits);
        out.extend(std::iter::repeat_n('0', whole - digits.len()));
        if shape.point_zero {
            out.push_str(".0");
        } else if shape.alternate {
            out.push('.');
        }
    }
    out
}
