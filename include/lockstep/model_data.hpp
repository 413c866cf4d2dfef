// A model bound to a data set: the functor, and the data that it refers to.
#pragma once

#include <memory>
#include <type_traits>
#include <vector>

#include "lockstep/actions.hpp"
#include "lockstep/dataset.hpp"

namespace lockstep {

template <class Model> class ModelData {
 public:
  // Throws DataError if the data do not fit the model. `memory`: where what it reads is copied to (see Dataset).
  explicit ModelData(const DataView& view, const DataMemory* memory = nullptr) : data_(view, memory) {
    static_assert(std::is_trivially_copyable_v<Model>, "a model holds views of data only, so that it can be copied to a device");
    data_.learn_sizes_only();
    { const Model sizes(data_); }  // the first pass learns the dimensions' sizes
    data_.release_arrays();
    data_.require_sizes();
    data_.require_known_options();
    model_ = std::make_unique<Model>(data_);
    is_general_ = view.action_count > 0 || data_.has_missing();
    if (memory && is_general_)
      throw DataError("what is done, observed or missing is to be on a GPU (its kernels know of no such thing). Run on the CPU.");
    for (std::int64_t i = 0; i < view.action_count; ++i)
      actions_.push_back({view.actions[i].site, view.actions[i].keeps_density, data_.action_values(view.actions[i])});
    for (std::int64_t i = 0; i < view.field_count; ++i) has_columns_ = has_columns_ || view.fields[i].columns > 1;
  }

  const Model& model() const { return *model_; }
  const Dataset& data() const { return data_; }
  bool has_columns() const { return has_columns_; }  // some fields differ between data sets
  // Whether only the general form of a gradient will do: something is done, observed or missing.
  bool is_general() const { return is_general_; }
  SiteActions actions() const { return {actions_.data(), int(actions_.size())}; }

 private:
  Dataset data_;
  std::unique_ptr<Model> model_;
  std::vector<SiteAction> actions_;
  bool has_columns_ = false, is_general_ = false;
};

}  // namespace lockstep
