// A model bound to a data set, as the host uses it: errors are exceptions, the layout has std::string names.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/model_table.hpp"
#include "lockstep/data.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

// An event of a site's distribution: an element, or a row if the distribution is joint.
struct ImpossibleEvent {
  std::string site;
  std::string number;                // counted from 1: "3"; of an element of a matrix "[2, 3]"
  double log_density;                // -inf, inf or NaN
};

// By name; null if there is none.
const SiteView* find_site(const LayoutView& layout, const std::string& name);
const DimView* find_dim(const LayoutView& layout, const std::string& name);
const BoundFieldView* find_field(const LayoutView& layout, const std::string& name);

class HostModel {
 public:
  // Throws DataError if the data do not fit the model, ModelError if what is to be done to its sites cannot be. `data` must
  // outlive this. `singles`: for mixed precision.
  HostModel(const ModelTable& table, const Data& data, bool singles = false);
  ~HostModel();
  HostModel(const HostModel&) = delete;

  const ModelTable& table() const { return table_; }
  const void* handle() const { return handle_; }
  const DataView& data() const { return views_.view(); }
  const LayoutView& layout() const { return *table_.layout(handle_); }
  int coordinates() const { return int(layout().coordinates); }

  // One lane by plain doubles: log density, and gradient if wanted. It has one scratch: not for several threads at once.
  double log_density(const double* position, double* gradient, std::int64_t data_column = 0) const;
  // Throws ModelError. How many values come out is values(meaning).
  void generate(const GenerateRequest& request) const;
  std::size_t values(Meaning meaning) const;
  // What comes out at a position: for constrain, pointwise and log_prior.
  std::vector<double> generate(Meaning meaning, const std::vector<double>& position) const;
  // The position of the parameters' values, which are given one after the other.
  std::vector<double> position_of(const std::vector<double>& values) const;
  // What reads what: pairs of names, sites or fields of the data first, sites or potentials that read them second.
  std::vector<std::pair<std::string, std::string>> graph() const;
  // The first event at a position whose log density is not finite: of the data (pointwise), or of the parameters' priors
  // (log_prior).
  std::optional<ImpossibleEvent> first_impossible(Meaning meaning, const std::vector<double>& position) const;

  // The data that it is bound to: what is done to fields is done.
  const Data& bound_to() const { return acted_on_ ? *acted_on_ : data_; }
  // The sites whose values are given by `do`: they are none of the layout's.
  const std::vector<Variable>& done() const { return done_; }

  std::vector<Dimension> dimensions() const;
  // The dimensions that a field runs along, by name; none if the model does not read it, or it is one number.
  std::vector<std::string> dims_of(const std::string& field) const;
  // A variable for a site, without values. A square matrix's second axis is called as its dimension, with "_bis".
  Variable variable(const SiteView& site) const;
  // A variable for an observed site's log likelihoods, one for each event, without values.
  Variable log_likelihood(const SiteView& site) const;

 private:
  void* bind(const DataView& view) const;
  // The data with actions of sites only, one value for each element; none if there are no actions.
  std::optional<Data> apply_actions(const Data& data);

  ModelTable table_;
  const Data& data_;
  std::vector<Variable> done_;
  std::optional<Data> acted_on_;
  DataViews views_;
  void* handle_;
  mutable std::vector<double> scratch_;
};

}  // namespace lockstep
