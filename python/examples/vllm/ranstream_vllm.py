"""A loader of models for vLLM, over folders that ``ranstream.pack_dir`` made.

    pip install ./python/examples/vllm
    vllm serve PACKED_FOLDER --load-format rans

Tensors come one at a time, the next one decoded meanwhile, so that no more than two are in memory
beside the model. Which part of a tensor a process keeps is decided by vLLM.
"""

from __future__ import annotations

from typing import Any


def register() -> None:
    from vllm.model_executor.model_loader import register_model_loader
    from vllm.model_executor.model_loader.base_loader import BaseModelLoader

    from ranstream.torch import iter_dir

    @register_model_loader("rans")
    class RansModelLoader(BaseModelLoader):
        def download_model(self, model_config: Any) -> None:
            """Nothing: the folder is on this machine."""

        def load_weights(self, model: Any, model_config: Any) -> None:
            model.load_weights(iter_dir(model_config.model))
