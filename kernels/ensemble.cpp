#include "kernels/ensemble.hpp"

#include <algorithm>
#include <new>

namespace lockstep {

namespace {
constexpr std::align_val_t cache_line{64};
}

AlignedArray::AlignedArray(std::size_t count)
    : data_(static_cast<double*>(::operator new[](std::max<std::size_t>(count, 1) * sizeof(double), cache_line)),
            [](double* p) { ::operator delete[](p, cache_line); }) {
  std::fill_n(data_.get(), std::max<std::size_t>(count, 1), 0.);
}

DrawBlock::DrawBlock(int chains, int coordinates, int draws, Keep keep, int lanes, Allocate allocate)
    : chains_(chains), coordinates_(coordinates), draws_(draws), lanes_(lanes), keep_(keep) {
  const std::size_t rows = std::size_t(tiles()) * std::size_t(draws) * std::size_t(lanes);
  positions_ = allocate(rows * std::size_t(coordinates));
  if (has_gradients()) gradients_ = allocate(rows * std::size_t(coordinates));
  if (keep == Keep::proposals)
    for (AlignedArray* array : {&proposals_, &proposal_momenta_}) *array = allocate(rows * std::size_t(coordinates));
  statistics_ = allocate(rows * draw_statistics);
}

void DrawBlock::state(Archive& archive) {
  const std::size_t rows = std::size_t(tiles()) * std::size_t(draws_) * std::size_t(lanes_);
  archive.array(positions_.data(), rows * std::size_t(coordinates_));
  if (has_gradients()) archive.array(gradients_.data(), rows * std::size_t(coordinates_));
  if (keep_ == Keep::proposals)
    for (AlignedArray* array : {&proposals_, &proposal_momenta_}) archive.array(array->data(), rows * std::size_t(coordinates_));
  archive.array(statistics_.data(), rows * draw_statistics);
}

DrawBuffer DrawBlock::tile(int t, int first) const {
  const std::int64_t rows = std::int64_t(t) * draws_ * lanes_;
  const auto kept = [&](const AlignedArray& array) { return array.data() ? array.data() + rows * coordinates_ : nullptr; };
  return {kept(positions_), kept(gradients_), statistics_.data() + rows * draw_statistics, double(first), double(draws_),
          kept(proposals_), kept(proposal_momenta_)};
}

}  // namespace lockstep
