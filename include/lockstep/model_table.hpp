// The boundary between a compiled model and the engine: one table of plain functions.
//
// Nothing of the C++ library, no exception and no object with a destructor crosses it, so a model may be compiled apart,
// by another compiler. An error is a message given to the sink; the function then returns null or false.
#pragma once

#include <string>
#include <vector>

#include "lockstep/generate.hpp"
#include "lockstep/gradient.hpp"
#include "lockstep/model_data.hpp"
#include "lockstep/pack.hpp"
#include "lockstep/pack_slice.hpp"

namespace lockstep {

// A field that the model reads, and the dimensions that it runs along.
struct BoundFieldView {
  const char* name;
  std::int32_t dims[2];           // ids, -1 where it has no such axis
};

struct LayoutView {
  const SiteView* sites;
  std::int64_t site_count;
  const DimView* dims;
  std::int64_t dim_count;
  std::int64_t coordinates;       // unconstrained dimension
  std::int64_t scratch;           // elements of scratch per lane, with one slice
  std::int64_t scratch_of_slice;  // of these, those that each further slice has anew
  bool has_potentials;            // terms of the log density that no distribution gives
  bool has_missing;               // data are missing, and imputed
  bool has_slices;                // the gradient may be split: nothing is missing, acted on or stacked
  const BoundFieldView* fields;
  std::int64_t field_count;
};

struct GenerateRequest {
  Meaning meaning;
  const double* position;
  const double* values;
  std::uint64_t seed;
  std::uint32_t chain, draw;
  std::int64_t data_column;
  double* position_out;
  double* out;
  double* observed_out = nullptr;
};

struct DeviceModelTable;

struct ModelTable {
  std::int64_t size;              // of this table, so that an older engine can tell
  std::int64_t pack_width;
  void* (*create)(const DataView* data, const ErrorSink* errors);
  void (*destroy)(void* model);
  const LayoutView* (*layout)(const void* model);
  // Position and gradient are [coordinate][lane] of one pack, aligned; `scratch` has layout.scratch packs.
  void (*log_density_gradient)(const void* model, const double* position, double* log_density, double* gradient,
                               double* scratch, const std::int64_t* data_columns);
  // The same in mixed precision (lockstep/single.hpp): single, but for sums. The data must have been bound with `singles`.
  void (*log_density_gradient_mixed)(const void* model, const double* position, double* log_density, double* gradient,
                                     double* scratch, const std::int64_t* data_columns);
  // The part of one slice, in doubles, if the layout has slices. All of a team call it at the same time with the same position;
  // their log densities and gradients, each its own, add up to the whole. `scratch` is the team's: layout.scratch packs, and
  // layout.scratch_of_slice for each slice after the first.
  void (*log_density_gradient_slice)(const void* model, const PackSlice* slice, const double* position, double* log_density,
                                     double* gradient, double* scratch);
  // As the first, for one lane, by plain doubles: the oracle.
  void (*oracle)(const void* model, const double* position, double* log_density, double* gradient, double* scratch,
                 std::int64_t data_column);
  bool (*generate)(const void* model, const GenerateRequest* request, const ErrorSink* errors);
  // Calls edge(context, from, to) for every pair of names of which the second, a site or a potential, reads the first, a site or a
  // field of the data. The data that it was bound to must still be there.
  void (*graph)(const void* model, void* context, void (*edge)(void* context, const char* from, const char* to));
  const DeviceModelTable* cuda;   // its functions on a GPU, in the precision of the run (kernels/device_table.hpp); null: not
                                  // compiled for one
};

// A model on its data, with its layout.
template <class Model> class BoundModel {
 public:
  explicit BoundModel(const DataView& view) : bound_(view) { lay_out(); }

  const LayoutView& layout() const { return layout_; }

  // In lanes of type T. The usual lanes have a form of their own for stacked data sets; others take the one for everything.
  template <class T> void gradient(const double* position, double* log_density, double* gradient, double* scratch,
                                   const std::int64_t* data_columns) const {
    if (!bound_.is_general()) {
      if (!bound_.has_columns()) return run<T, false, false>(position, log_density, gradient, scratch, data_columns);
      if constexpr (std::is_same_v<T, Pack>) return run<T, true, false>(position, log_density, gradient, scratch, data_columns);
    }
    // One lane need not be fast here, and check_counts has compiled this already.
    if constexpr (std::is_same_v<T, double>) evaluate<T, true, true>(position, log_density, gradient, scratch, data_columns);
    else run<T, true, true>(position, log_density, gradient, scratch, data_columns);
  }

  // Not in the forms of `gradient` for stacked data sets and for everything: each would cost every model's compilation.
  LOCKSTEP_FLATTEN void gradient_slice(const PackSlice& slice, const double* position, double* log_density, double* gradient,
                                       double* scratch) const {
    LogDensity<Pack, PackSlice> m(slice, {position, gradient, scratch, nullptr, pack_width});
    model()(m);
    LaneTraits<Pack>::store(log_density, m.log_density());
  }

  void generate(const GenerateRequest& request) const {
    Generate::Inputs inputs;
    inputs.meaning = request.meaning;
    inputs.position = request.position;
    inputs.values = request.values;
    const bool given_a_draw = request.meaning == Meaning::predict || request.meaning == Meaning::states;
    const Purpose purpose = given_a_draw ? Purpose::predictive : Purpose::prior_draw;
    inputs.stream = {request.seed, std::uint32_t(request.data_column), request.chain, request.draw, purpose};
    inputs.actions = bound_.actions();
    inputs.data_column = request.data_column;
    inputs.position_out = request.position_out;
    inputs.out = request.out;
    inputs.observed_out = request.observed_out;
    Generate m(inputs);
    model()(m);
  }

  const Model& model() const { return bound_.model(); }

  // What has no name is left out: its readers read what it reads.
  Edges graph() const {
    Edges all;
    std::vector<SiteView> sites;
    Generate::Inputs inputs;
    inputs.sites = &sites;
    inputs.edges = &all;
    inputs.data = &bound_.data();
    Generate::Additions additions;
    inputs.additions = &additions;
    inputs.actions = bound_.actions();
    Generate m(inputs);
    model()(m);
    const auto nameless = [](const std::string& name) { return name[0] == '/'; };
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto& [from, to] : Edges(all))
        if (nameless(from))
          for (const auto& [before, through] : Edges(all))
            if (through == from) changed = all.insert({before, to}).second || changed;
    }
    std::erase_if(all, [&](const auto& edge) { return nameless(edge.first) || nameless(edge.second); });
    return all;
  }

 private:
  template <class T, bool with_columns, bool with_actions>
  LOCKSTEP_FLATTEN void run(const double* position, double* log_density, double* gradient, double* scratch,
                            const std::int64_t* data_columns) const {
    evaluate<T, with_columns, with_actions>(position, log_density, gradient, scratch, data_columns);
  }
  template <class T, bool with_columns, bool with_actions>
  void evaluate(const double* position, double* log_density, double* gradient, double* scratch,
                const std::int64_t* data_columns) const {
    Workspace workspace{position, gradient, scratch, data_columns, LaneTraits<T>::width};
    if constexpr (with_actions) workspace.actions = bound_.actions();
    const int n = int(layout_.coordinates);
    LaneTraits<SumOf<T>>::store(
        log_density, log_density_gradient<T, with_columns, Stage::whole, with_actions>(model(), WholeTeam{}, workspace, n));
  }
  void lay_out() {
    Generate::Inputs inputs;
    inputs.sites = &sites_;
    inputs.data = &bound_.data();
    inputs.additions = &additions_;
    inputs.actions = bound_.actions();
    Generate m(inputs);
    model()(m);
    if (m.actions_taken() != bound_.actions().count)
      throw ModelError("a site that is acted on is not there (do and observe are of sites, by name). Correct the name.");
    for (std::size_t i = 0; i < sites_.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (std::string(sites_[i].name) == sites_[j].name)
          throw ModelError("two sites are named '" + std::string(sites_[i].name) + "' (results are read by name). Rename one.");
    for (const Dataset::DimInfo& dim : bound_.data().dims()) add_dim(dim);
    for (const Dataset::DimInfo& dim : additions_.dims) add_dim(dim);
    for (const auto& [name, dims] : bound_.data().fields_bound()) fields_.push_back({name.c_str(), {dims[0], dims[1]}});
    layout_ = {sites_.data(), std::int64_t(sites_.size()), dims_.data(), std::int64_t(dims_.size()), m.coordinates(),
               m.scratch(), 0, m.has_potentials(), bound_.data().has_missing(), !bound_.is_general() && !bound_.has_columns(),
               fields_.data(), std::int64_t(fields_.size())};
    layout_.scratch_of_slice = check_counts();
  }
  void add_dim(const Dataset::DimInfo& dim) {
    for (const SiteView& site : sites_)
      if (dim.name == site.name)
        throw ModelError("'" + dim.name + "' names a dimension and a site (readers of the results file would take one for "
                         "the other). Rename one.");
    labels_.emplace_back();
    for (const std::string& label : dim.labels) labels_.back().push_back(label.c_str());
    dims_.push_back({dim.name.c_str(), dim.size, labels_.back().empty() ? nullptr : labels_.back().data()});
  }

  // The gradient counts what it takes as it runs; the layout's counts must be the same. Returns one that only it knows.
  int check_counts() const {
    const std::size_t more = 64;  // so that a wrong count does no harm before it is seen
    std::vector<double> scratch(std::size_t(2 * layout_.scratch) + more), position(std::size_t(2 * layout_.coordinates) + more),
        gradient(std::size_t(2 * layout_.coordinates) + more);
    const std::int64_t column = 0;
    Workspace workspace{position.data(), gradient.data(), scratch.data(), &column, 1};
    workspace.actions = bound_.actions();
    LogDensity<double, WholeTeam, true, Stage::whole, true> m(WholeTeam{}, workspace);
    model()(m);
    if (m.scratch_used() != layout_.scratch || m.last_coordinate() != layout_.coordinates)
      throw std::logic_error("the gradient takes " + std::to_string(m.scratch_used()) + " elements of scratch and " +
                             std::to_string(m.last_coordinate()) + " coordinates (the layout counted " + std::to_string(layout_.scratch) +
                             " and " + std::to_string(layout_.coordinates) + "). This is a bug in lockstep; please report it.");
    return m.scratch_of_slice();
  }

  ModelData<Model> bound_;
  Generate::Additions additions_;
  std::vector<SiteView> sites_;
  std::vector<DimView> dims_;
  std::vector<BoundFieldView> fields_;
  std::vector<std::vector<const char*>> labels_;
  LayoutView layout_{};
};

// The functions of the table that are called once, or once a draw. They take the longer half of the compiler's time, and need not be
// as fast as gradients: a source file of its own may have them (host/plugin.cpp).
struct ModelOnHost {
  decltype(ModelTable::create) create;
  decltype(ModelTable::destroy) destroy;
  decltype(ModelTable::layout) layout;
  decltype(ModelTable::oracle) oracle;
  decltype(ModelTable::generate) generate;
  decltype(ModelTable::graph) graph;
};

template <class Model> ModelOnHost model_on_host() {
  using Bound = BoundModel<Model>;
  return {
      [](const DataView* data, const ErrorSink* errors) -> void* {
        try {
          return new Bound(*data);
        } catch (const std::exception& e) {
          errors->report(errors->context, e.what());
          return nullptr;
        }
      },
      [](void* model) { delete static_cast<Bound*>(model); },
      [](const void* model) { return &static_cast<const Bound*>(model)->layout(); },
      [](const void* model, const double* position, double* log_density, double* gradient, double* scratch,
         std::int64_t data_column) {
        static_cast<const Bound*>(model)->template gradient<double>(position, log_density, gradient, scratch, &data_column);
      },
      [](const void* model, const GenerateRequest* request, const ErrorSink* errors) {
        try {
          static_cast<const Bound*>(model)->generate(*request);
          return true;
        } catch (const std::exception& e) {
          errors->report(errors->context, e.what());
          return false;
        }
      },
      [](const void* model, void* context, void (*edge)(void* context, const char* from, const char* to)) {
        for (const auto& [from, to] : static_cast<const Bound*>(model)->graph()) edge(context, from.c_str(), to.c_str());
      }};
}

// The table of a model's functions.
template <class Model> const ModelTable* model_table(const ModelOnHost& on_host = model_on_host<Model>()) {
  using Bound = BoundModel<Model>;
  static const ModelTable table{
      sizeof(ModelTable), pack_width, on_host.create, on_host.destroy, on_host.layout,
      [](const void* model, const double* position, double* log_density, double* gradient, double* scratch,
         const std::int64_t* data_columns) {
        static_cast<const Bound*>(model)->template gradient<Pack>(position, log_density, gradient, scratch, data_columns);
      },
      [](const void* model, const double* position, double* log_density, double* gradient, double* scratch,
         const std::int64_t* data_columns) {
        static_cast<const Bound*>(model)->template gradient<SinglePack>(position, log_density, gradient, scratch, data_columns);
      },
      [](const void* model, const PackSlice* slice, const double* position, double* log_density, double* gradient, double* scratch) {
        static_cast<const Bound*>(model)->gradient_slice(*slice, position, log_density, gradient, scratch);
      },
      on_host.oracle, on_host.generate, on_host.graph, nullptr};
  return &table;
}

}  // namespace lockstep
