#include "host/zoo_posteriors.hpp"

#include <cmath>
#include <stdexcept>

namespace lockstep {

namespace {

using Column = std::vector<double>;
using Rows = std::vector<Column>;

// The values of a field. Throws DataError if there is none.
const Column& column(const Data& theirs, const std::string& name) {
  const auto found = theirs.fields().find(name);
  if (found == theirs.fields().end())
    throw DataError("The data have no '" + name + "' (posteriordb's data set has it). Get the file again.");
  return found->second.values;
}

Column logarithms(Column values) {
  for (double& v : values) v = std::log(v);
  return values;
}

// Columns side by side, the first of ones.
Rows design(const std::vector<Column>& columns) {
  Rows rows(columns.at(0).size(), Column{1.});
  for (const Column& each : columns)
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].push_back(each.at(i));
  return rows;
}

Column product(const Column& a, const Column& b) {
  Column values;
  for (std::size_t i = 0; i < a.size(); ++i) values.push_back(a[i] * b.at(i));
  return values;
}
Column equals(const Column& a, double level) {
  Column values;
  for (const double v : a) values.push_back(v == level ? 1. : 0.);
  return values;
}

Data regression(const Rows& x, const Column& y) {
  Data data;
  data.set("X", x);
  data.set("y", y);
  return data;
}

// Some of their fields under our names.
Data fields(const Data& theirs, const std::vector<std::pair<const char*, const char*>>& named) {
  Data data;
  for (const auto& [their_name, our_name] : named) {
    column(theirs, their_name);
    data.set(our_name, theirs.fields().at(their_name));
  }
  return data;
}

Data eight_schools(const Data& d) { return fields(d, {{"J", "school"}, {"y", "y"}, {"sigma", "sigma"}}); }

Data low_dim_gauss_mix(const Data& d) {
  Data data = fields(d, {{"y", "y"}});
  data.set("component", 2.);
  return data;
}

Data kidscore_momiq(const Data& d) { return regression(design({column(d, "mom_iq")}), column(d, "kid_score")); }
Data kidscore_interaction(const Data& d) {
  const Column &hs = column(d, "mom_hs"), &iq = column(d, "mom_iq");
  return regression(design({hs, iq, product(hs, iq)}), column(d, "kid_score"));
}
Data kidscore_mom_work(const Data& d) {
  const Column& work = column(d, "mom_work");
  return regression(design({equals(work, 2), equals(work, 3), equals(work, 4)}), column(d, "kid_score"));
}

Data nes(const Data& d) {
  const Column& age = column(d, "age_discrete");
  return regression(design({column(d, "real_ideo"), column(d, "race_adj"), equals(age, 2), equals(age, 3), equals(age, 4),
                            column(d, "educ1"), column(d, "gender"), column(d, "income")}),
                    column(d, "partyid7"));
}

Data logearn_interaction(const Data& d) {
  const Column &height = column(d, "height"), &male = column(d, "male");
  return regression(design({height, male, product(height, male)}), logarithms(column(d, "earn")));
}

Data logmesquite(const Data& d) {
  std::vector<Column> columns;
  for (const char* name : {"diam1", "diam2", "canopy_height", "total_height", "density"})
    columns.push_back(logarithms(column(d, name)));
  columns.push_back(column(d, "group"));
  return regression(design(columns), logarithms(column(d, "weight")));
}

// Without their first column, of ones.
Data diamonds(const Data& d) {
  const Column &x = column(d, "X"), &y = column(d, "Y");
  const std::size_t columns = std::size_t(column(d, "K").at(0));
  Rows rows;
  for (std::size_t i = 0; i < y.size(); ++i) {
    rows.emplace_back();
    for (std::size_t k = 1; k < columns; ++k) rows.back().push_back(x.at(i * columns + k));
  }
  return regression(rows, y);
}

Data hmm(const Data& d) {
  Data data = fields(d, {{"K", "state"}, {"y", "y"}});
  data.set("mean_guess", {3., 10.});
  return data;
}

Data irt_2pl(const Data& d) {
  const std::size_t items = std::size_t(column(d, "I").at(0)), persons = std::size_t(column(d, "J").at(0));
  Column item_of, person_of;
  for (std::size_t i = 1; i <= items; ++i)
    for (std::size_t j = 1; j <= persons; ++j) {
      item_of.push_back(double(i));
      person_of.push_back(double(j));
    }
  Data data = fields(d, {{"I", "item"}, {"J", "person"}});
  data.set("item_of", item_of);
  data.set("person_of", person_of);
  data.set("correct", column(d, "y"));
  return data;
}

Data radon(const Data& d) {
  return fields(d, {{"J", "county"}, {"county_idx", "county_idx"}, {"log_uppm", "log_uppm"},
                    {"floor_measure", "floor_measure"}, {"log_radon", "log_radon"}});
}

// Time 0 with the others.
Data lotka_volterra(const Data& d) {
  Column years{0}, populations = column(d, "y_init");
  const Column &ts = column(d, "ts"), &y = column(d, "y");
  years.insert(years.end(), ts.begin(), ts.end());
  populations.insert(populations.end(), y.begin(), y.end());
  Column species[2];
  for (std::size_t i = 0; i < populations.size(); ++i) species[i % 2].push_back(populations[i]);
  Data data;
  data.set("years", years);
  data.set("hare", species[0]);
  data.set("lynx", species[1]);
  return data;
}

const std::vector<ZooPosterior>& all() {
  static const std::vector<ZooPosterior> posteriors{
      {"arK", "ar_k", [](const Data& d) { return fields(d, {{"K", "lag"}, {"y", "y"}}); }, {}},
      // Coefficients beyond 1 make the errors grow without bound along the series.
      {"arma11", "arma11", [](const Data& d) { return fields(d, {{"y", "y"}}); }, {}, 1},
      {"blr", "blr", [](const Data& d) { return fields(d, {{"X", "X"}, {"y", "y"}}); }, {}},
      {"diamonds", "diamonds", diamonds, {}},
      {"eight_schools_noncentered", "eight_schools", eight_schools, {}},
      {"garch11", "garch11", [](const Data& d) { return fields(d, {{"y", "y"}, {"sigma1", "sigma1"}}); }, {}},
      {"gp_regr", "gp_regression", [](const Data& d) { return fields(d, {{"x", "x"}, {"y", "y"}}); }, {}},
      {"hmm_example", "hmm", hmm, {{"theta1[", "theta[1,"}, {"theta2[", "theta[2,"}}},
      {"irt_2pl", "irt_2pl", irt_2pl, {}},
      {"kidscore_interaction", "linear_regression", kidscore_interaction, {}},
      {"kidscore_mom_work", "flat_regression", kidscore_mom_work, {}},
      {"kidscore_momiq", "linear_regression", kidscore_momiq, {}},
      {"logearn_interaction", "flat_regression", logearn_interaction, {}},
      {"logmesquite", "flat_regression", logmesquite, {}},
      {"low_dim_gauss_mix", "gauss_mix", low_dim_gauss_mix, {}},
      {"lotka_volterra", "lotka_volterra", lotka_volterra,
       {{"theta[1]", "alpha"}, {"theta[2]", "beta"}, {"theta[3]", "gamma"}, {"theta[4]", "delta"}, {"z_init[", "start["}}},
      {"nes", "flat_regression", nes, {}},
      {"radon_hierarchical_intercept_noncentered", "radon", radon,
       {{"beta[1]", "beta_uranium"}, {"beta[2]", "beta_floor"}}},
  };
  return posteriors;
}

}  // namespace

std::vector<Counterpart> ZooPosterior::counterparts(const Reference& reference) const {
  std::vector<Counterpart> all;
  for (const auto& [name, scalar] : reference) {
    std::string ours = name;
    for (const auto& [there, here] : renamed)
      if (name.compare(0, there.size(), there) == 0) ours = here + name.substr(there.size());
    all.push_back({name, ours});
  }
  return all;
}

const ZooPosterior* find_zoo_posterior(const std::string& posteriordb_model) {
  for (const ZooPosterior& each : all())
    if (each.model == posteriordb_model) return &each;
  return nullptr;
}

}  // namespace lockstep
