//! The configuration of a quantized checkpoint.

use serde_json::{Map, Value, json};

use crate::formats::{Format, FormatError};
use crate::group::Group;

/// What a configuration says. Fields that are not known are refused by name, so that nothing is read otherwise than it was meant.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// The format.
    pub format: Format,
    /// The group size, if it is said.
    pub group: Option<Group>,
    /// Whether all zero points are 8, if it is said.
    pub symmetric: Option<bool>,
    /// Whether columns are in groups by importance, if it is said.
    pub scattered: Option<bool>,
}

/// Fields that change nothing about how tensors are read.
const IGNORED: [&str; 24] = [
    "damp_percent",
    "damp_auto_increment",
    "true_sequential",
    "model_name_or_path",
    "model_file_base_name",
    "modules_to_not_convert",
    "is_marlin_format",
    "dataset",
    "tokenizer",
    "block_name_to_quantize",
    "module_name_preceding_first_block",
    "modules_in_block_to_quantize",
    "max_input_length",
    "cache_block_outputs",
    "use_cuda_fp16",
    "use_exllama",
    "exllama_config",
    "batch_size",
    "pad_token_id",
    "model_seqlen",
    "static_groups",
    "meta",
    "lm_head",
    "backend",
];

impl Config {
    /// That of a format, which says nothing more.
    #[must_use]
    pub const fn of(format: Format) -> Self {
        Self { format, group: None, symmetric: None, scattered: None }
    }

    /// Reads `quantization_config`, or the whole of a `config.json` that has it, or `quantize_config.json`.
    ///
    /// # Errors
    /// No JSON, a field or a value that is not known here, or a group size that [`Group::new`] refuses.
    ///
    /// # Example
    /// ```
    /// use tilewright_quant_pack::formats::{Format, checkpoint::Config};
    ///
    /// let config = Config::parse(r#"{ "quant_method": "gptq", "bits": 4, "group_size": 128, "sym": true, "desc_act": false }"#)?;
    /// assert_eq!((config.format, config.symmetric), (Format::Gptq, Some(true)));
    /// let refused = Config::parse(r#"{ "quant_method": "gptq", "bits": 3, "group_size": 128 }"#).unwrap_err();
    /// assert_eq!(refused.to_string(), "configuration field `bits` is 3, wanted 4");
    /// # Ok::<(), tilewright_quant_pack::formats::FormatError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let damaged = |why: String| FormatError::NotA { kind: "configuration", why };
        let value: Value = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        let object = value.as_object().ok_or_else(|| damaged("it is no JSON object".to_owned()))?;
        let object = match object.get(super::CONFIG) {
            None => object,
            Some(inner) => inner.as_object().ok_or_else(|| damaged(format!("`{}` is no object", super::CONFIG)))?,
        };
        let method = object.get("quant_method").or_else(|| object.get("method"));
        match method.map_or(Some("gptq"), Value::as_str) {
            Some("gptq") => gptq(object),
            Some("awq") => awq(object),
            Some("compressed-tensors") => compressed(object),
            _ => Err(refused("quant_method", method.unwrap_or(&Value::Null), "gptq, awq or compressed-tensors")),
        }
    }

    /// The configuration as the format's own programs write it: `quantization_config`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let size = match self.group {
            Some(Group::Of(size)) => i64::try_from(size.value()).unwrap_or(i64::MAX),
            _ => -1,
        };
        let (symmetric, scattered) = (self.symmetric.unwrap_or(true), self.scattered.unwrap_or(false));
        let value = match self.format {
            Format::Gptq | Format::GptqV2 => json!({
                "quant_method": "gptq",
                "bits": 4,
                "group_size": size,
                "sym": symmetric,
                "desc_act": scattered,
                "checkpoint_format": self.format.name(),
            }),
            Format::AwqGemm | Format::AwqGemv => json!({
                "quant_method": "awq",
                "bits": 4,
                "group_size": size,
                // There is always a tensor of zero points.
                "zero_point": true,
                "version": if self.format == Format::AwqGemm { "gemm" } else { "gemv" },
            }),
            Format::CompressedTensors => {
                let is_channel = size == -1;
                let actorder = if scattered { json!("group") } else { Value::Null };
                json!({
                    "quant_method": "compressed-tensors",
                    "format": "pack-quantized",
                    "quantization_status": "compressed",
                    "ignore": ["lm_head"],
                    "config_groups": { "group_0": {
                        "targets": ["Linear"],
                        "weights": {
                            "num_bits": 4,
                            "type": "int",
                            "symmetric": symmetric,
                            "strategy": if is_channel { "channel" } else { "group" },
                            "group_size": if is_channel { Value::Null } else { json!(size) },
                            "actorder": actorder,
                        },
                    } },
                })
            }
        };
        value.to_string()
    }
}

fn refused(field: &str, value: &Value, wanted: &str) -> FormatError {
    FormatError::Field { field: field.to_owned(), value: value.to_string(), wanted: wanted.to_owned() }
}

/// Refuses fields that are neither read here nor without meaning for the tensors.
fn expect_known(object: &Map<String, Value>, known: &[&str]) -> Result<(), FormatError> {
    match object.iter().find(|(field, _)| !known.contains(&field.as_str()) && !IGNORED.contains(&field.as_str())) {
        None => Ok(()),
        Some((field, value)) => Err(refused(field, value, &format!("no such field, but {}", known.join(", ")))),
    }
}

fn expect(object: &Map<String, Value>, field: &str, values: &[Value], wanted: &str) -> Result<(), FormatError> {
    match object.get(field) {
        Some(value) if !values.contains(value) => Err(refused(field, value, wanted)),
        _ => Ok(()),
    }
}

fn flag(object: &Map<String, Value>, field: &str) -> Result<Option<bool>, FormatError> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_bool().map(Some).ok_or_else(|| refused(field, value, "true or false")),
    }
}

fn group(object: &Map<String, Value>, field: &str) -> Result<Option<Group>, FormatError> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) if value.as_i64() == Some(-1) => Ok(Some(Group::WholeRow)),
        Some(value) => {
            let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
            Ok(Some(Group::new(size.ok_or_else(|| refused(field, value, "-1 or a multiple of 32"))?)?))
        }
    }
}

fn gptq(object: &Map<String, Value>) -> Result<Config, FormatError> {
    let known = [
        "quant_method",
        "method",
        "bits",
        "group_size",
        "sym",
        "desc_act",
        "checkpoint_format",
        "format",
        "pack_dtype",
    ];
    expect_known(object, &known)?;
    expect(object, "bits", &[json!(4)], "4")?;
    // Other word sizes and the formats of certain kernels have other layouts.
    expect(object, "pack_dtype", &[json!("int32")], "int32")?;
    expect(object, "is_marlin_format", &[json!(false)], "false")?;
    let mut format = Format::Gptq;
    for field in ["checkpoint_format", "format"] {
        match object.get(field).map(|value| (value, value.as_str())) {
            None | Some((_, Some("gptq"))) => {}
            Some((_, Some("gptq_v2"))) => format = Format::GptqV2,
            Some((value, _)) => return Err(refused(field, value, "gptq or gptq_v2")),
        }
    }
    let (symmetric, scattered) = (flag(object, "sym")?, flag(object, "desc_act")?);
    Ok(Config { format, group: group(object, "group_size")?, symmetric, scattered })
}

fn awq(object: &Map<String, Value>) -> Result<Config, FormatError> {
    let known = [
        "quant_method",
        "bits",
        "w_bit",
        "group_size",
        "q_group_size",
        "zero_point",
        "version",
        "do_fuse",
        "fuse_max_seq_len",
        "modules_to_fuse",
    ];
    expect_known(object, &known)?;
    expect(object, "bits", &[json!(4)], "4")?;
    expect(object, "w_bit", &[json!(4)], "4")?;
    let version = object.get("version");
    let name = version.map_or(Some("gemm"), Value::as_str).map(str::to_lowercase);
    let format = match name.as_deref() {
        Some("gemm") => Format::AwqGemm,
        Some("gemv") => Format::AwqGemv,
        _ => return Err(refused("version", version.unwrap_or(&Value::Null), "gemm or gemv")),
    };
    let group = match group(object, "group_size")? {
        None => group(object, "q_group_size")?,
        group => group,
    };
    // With zero points or not, there is a tensor of them, which may hold 8 throughout.
    let symmetric = flag(object, "zero_point")?.is_some_and(|has| !has).then_some(true);
    Ok(Config { format, group, symmetric, scattered: None })
}

fn compressed(object: &Map<String, Value>) -> Result<Config, FormatError> {
    let known = [
        "quant_method",
        "format",
        "config_groups",
        "ignore",
        "quantization_status",
        "global_compression_ratio",
        "kv_cache_scheme",
        "sparsity_config",
        "transform_config",
        "version",
    ];
    expect_known(object, &known)?;
    expect(object, "format", &[json!("pack-quantized")], "pack-quantized")?;
    for field in ["kv_cache_scheme", "sparsity_config", "transform_config"] {
        // They change what the layer computes.
        expect(object, field, &[Value::Null, json!({})], "nothing")?;
    }
    let groups = object.get("config_groups").and_then(Value::as_object);
    let mut config = Config::of(Format::CompressedTensors);
    for (name, scheme) in groups.into_iter().flatten() {
        let Some(weights) = scheme.get("weights").and_then(Value::as_object) else {
            return Err(refused(&format!("config_groups.{name}"), scheme, "an object with `weights`"));
        };
        for field in ["input_activations", "output_activations"] {
            if let Some(found) = scheme.get(field).filter(|found| !found.is_null()) {
                return Err(refused(
                    &format!("config_groups.{name}.{field}"),
                    found,
                    "null: only weights are quantized",
                ));
            }
        }
        expect(weights, "num_bits", &[json!(4)], "4")?;
        expect(weights, "type", &[json!("int")], "int")?;
        expect(weights, "strategy", &[json!("group"), json!("channel")], "group or channel")?;
        expect(weights, "dynamic", &[json!(false), Value::Null], "false")?;
        let size = match weights.get("strategy").and_then(Value::as_str) {
            Some("channel") => Some(Group::WholeRow),
            _ => group(weights, "group_size")?,
        };
        let symmetric = flag(weights, "symmetric")?;
        if config.group.is_some() && (config.group != size || config.symmetric != symmetric) {
            return Err(refused(&format!("config_groups.{name}"), scheme, "one scheme for all layers"));
        }
        let actorder = weights.get("actorder").is_some_and(|order| order.as_str() == Some("group"));
        (config.group, config.symmetric, config.scattered) = (size, symmetric, Some(actorder));
    }
    Ok(config)
}
