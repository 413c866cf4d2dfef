// The run loop: warmup, then blocks of draws, each handed to a sink while the next is still to come.
#pragma once

#include "host/checkpoint.hpp"
#include "host/draw_sink.hpp"
#include "host/placement.hpp"
#include "host/run_plan.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

// Throws as sample() does, and what the sink throws; then the sink was not closed. `in_memory`: the sink keeps all
// draws there. Draws do not depend on the size of a block. `devices`: what the chains run on; none: the CPU. `checkpoint`: is
// saved, or gone on from; its log is the sink then.
void run(const ModelTable& model, const Data& data, const SampleOptions& options, bool in_memory, DrawSink& sink,
         std::size_t block_bytes = usual_block_bytes, Devices devices = {}, Checkpoint* checkpoint = nullptr);

}  // namespace lockstep
