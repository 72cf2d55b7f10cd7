"""Makes the sample files beside it with the formats' own writers: pip install gguf==0.19.0 safetensors==0.8.0 numpy."""

import pathlib

import gguf
import numpy
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent


def write(name, architecture, fill):
    writer = gguf.GGUFWriter(str(HERE / name), architecture)
    fill(writer)
    writer.add_tensor("t", numpy.zeros(4, dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def model(writer):
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name("Tiny Llama Test")
    writer.add_organization("Example Org")
    writer.add_basename("Tiny-Llama")
    writer.add_size_label("1B")
    writer.add_license("apache-2.0")
    writer.add_tags(["text-generation"])
    writer.add_context_length(2048)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<s>", "</s>", "a"])
    writer.add_token_types([3, 3, 1])
    writer.add_quantization_version(2)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)


def second_part(writer):
    writer.add_uint16("split.no", 1)
    writer.add_uint16("split.count", 2)
    writer.add_int32("split.tensors.count", 2)


def adapter(writer):
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 16.0)


def projector(writer):
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_name("Tiny Vision Test")
    writer.add_bool("clip.has_vision_encoder", True)


write("model.gguf", "llama", model)
write("part-00002-of-00002.gguf", "llama", second_part)
write("adapter.gguf", "llama", adapter)
write("mmproj.gguf", "clip", projector)
save_file(
    {"lora_down": numpy.zeros((8, 16), dtype=numpy.float16)},
    str(HERE / "lora.safetensors"),
    metadata={"format": "pt", "modelspec.title": "Tiny Style", "modelspec.architecture": "stable-diffusion-xl-v1-base/lora", "ss_network_module": "networks.lora"},
)
