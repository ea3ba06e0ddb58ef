// What the query answers. A field is null where it is empty, or not for this partner to see.
export interface List<T> {
  totalCount?: number;
  nodes: T[];
}

interface Named {
  name: string | null;
}

export interface Money {
  amount: string;
  currency: string;
}

export interface Share {
  level: string;
  validUntil: string;
}

export interface PriceEntry {
  product: { name: string; sku: string } | null;
  category: Named | null;
  minQuantity: string;
  unitPrice: Money | null;
  percentOff: string | null;
}

export interface Partner {
  name: string;
  kind: string;
  tier: Named | null;
  commissionRate: string | null;
  agreements: List<{ name: string; startsOn: string; endsOn: string | null; terms: string | null }>;
  certifications: List<{ name: string; expiresOn: string | null }>;
  coverages: List<{ name: string; level: string; validUntil: string }>;
  priceLists: List<{ name: string; entries: List<PriceEntry> }>;
}

export interface Customer {
  id: string;
  name: string;
  segment: string | null;
  city: string | null;
  country: string | null;
  openTickets: number;
  shares: List<Share>;
  partnerActivities: List<{ kind: string; subject: string; happenedAt: string }>;
}

export interface Plan {
  title: string;
  endsOn: string;
  goals: List<{ title: string; target: string; unit: string; currency: string }>;
  tactics: List<{ title: string; dueOn: string | null; doneOn: string | null; overdue: boolean }>;
}

export interface Deal {
  id: string;
  customerName: string;
  amount: Money;
  answer: string;
  protectedUntil: string | null;
}

export interface Scorecard {
  period: string;
  dealsRegistered: number;
  opportunitiesWon: number;
  revenue: Money;
  leadsOffered: number;
  leadsAccepted: number;
  csat: string | null;
  earnedTier: string | null;
}

export interface PartnerView {
  partners: List<Partner>;
  partnerScorecards: List<Scorecard>;
  offers: List<{ acceptBy: string; lead: { name: string; company: string | null } | null }>;
  customers: List<Customer>;
  keyAccounts: List<{ tier: string; customer: Named | null; shares: List<Share>; plans: List<Plan> }>;
  deals: List<Deal>;
  opportunities: List<{ name: string; customer: Named | null; stage: Named | null; amount: Money | null; closeOn: string }>;
  leads: List<{ name: string; company: string | null; interest: string | null; status: string }>;
  tickets: List<{ number: string; subject: string; status: string; customer: Named | null }>;
  tasks: List<{ subject: string; dueOn: string | null; customer: Named | null }>;
  endingDeals: List<{ customerName: string; protectedUntil: string }>;
  endingCertifications: List<{ name: string; expiresOn: string }>;
  dueSales: List<{ name: string; closeOn: string }>;
}
