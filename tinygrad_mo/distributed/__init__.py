"""One training on several processes: cores, machines or GPUs, with the numbers of one process.

``mpirun -n 4 python train.py``, where `train.py` begins with ``tg.distributed.init()``.

- `starting`: `init`, and how all end (`last_words`: who was killed)
- `plan`: batches are shared out, and what is told is of the whole batch
- `batches`: who has which part of a batch, and what its parts show together
- `gradients`: all gradients in one sum
- `moving`: what processes tell one another, by MPI (`nccl`: from GPU to GPU)
"""

from .starting import init, is_launched, launch, rank, size

__all__ = ["init", "is_launched", "launch", "rank", "size"]
